package dev.banyan.runtime.ort;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtProvider;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import ai.onnxruntime.providers.OrtCUDAProviderOptions;

/**
 * How a session is opened.
 *
 * @param device where it computes
 * @param threads threads inside an operator; 0 leaves the choice to ORT (one per physical core)
 * @param optimization how far ORT may rewrite the graph
 * @param memoryPattern whether ORT plans one block of memory per input shape: costs memory when
 *     batches differ in length, and gains nothing measurable here
 * @param prepacking whether kernels keep a copy of their weights in a layout of their own: faster
 *     runs for as much memory again
 */
public record SessionSettings(
    Device device,
    int threads,
    Optimization optimization,
    boolean memoryPattern,
    boolean prepacking) {
  private static final long LARGE = 1L << 30;

  /** How far ORT may rewrite a graph while loading it. */
  public enum Optimization {
    /** As it is on disk. */
    NONE(OptLevel.NO_OPT),
    /** Constant folding and rewrites that stay in plain ONNX. */
    BASIC(OptLevel.BASIC_OPT),
    /** Also fused kernels and layouts of the device. */
    ALL(OptLevel.ALL_OPT);

    private final OptLevel level;

    Optimization(OptLevel level) {
      this.level = level;
    }
  }

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException if the number of threads is negative
   */
  public SessionSettings {
    if (threads < 0) {
      throw new IllegalArgumentException("threads is " + threads + "; expected 0 or more");
    }
  }

  /** The CPU, ORT's choice of threads, all optimizations, no memory pattern, prepacking. */
  public static SessionSettings defaults() {
    return new SessionSettings(new Device.Cpu(), 0, Optimization.ALL, false, true);
  }

  /** The same on another device. */
  public SessionSettings on(Device other) {
    return new SessionSettings(other, threads, optimization, memoryPattern, prepacking);
  }

  /** The same with another number of threads. */
  public SessionSettings withThreads(int count) {
    return new SessionSettings(device, count, optimization, memoryPattern, prepacking);
  }

  /** The same with another optimization level. */
  public SessionSettings withOptimization(Optimization other) {
    return new SessionSettings(device, threads, other, memoryPattern, prepacking);
  }

  /**
   * The same if the weights are small; if they are large, with weights used as they lie in their
   * file: copies of them, packed and fused, would need as much memory again. For a few runs.
   *
   * @param bytes size of the weights
   */
  public SessionSettings sparing(long bytes) {
    return bytes < LARGE ? this : withOptimization(Optimization.BASIC).withoutPrepacking();
  }

  /** The same with weights used as they lie in their file. */
  public SessionSettings withoutPrepacking() {
    return new SessionSettings(device, threads, optimization, memoryPattern, false);
  }

  /**
   * ORT's form of these settings; the caller closes it.
   *
   * @throws OrtFailure.DeviceUnavailable if the device is not there
   */
  SessionOptions open() throws OrtException {
    SessionOptions options = new SessionOptions();
    boolean done = false;
    try {
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      options.setOptimizationLevel(optimization.level);
      options.setMemoryPatternOptimization(memoryPattern);
      // Else ORT fuses DequantizeLinear and MatMul to a kernel that rounds the input to 8 bits.
      options.addConfigEntry("session.qdq_matmulnbits_accuracy_level", "0");
      if (!prepacking) {
        options.addConfigEntry("session.disable_prepacking", "1");
      }
      if (threads > 0) {
        options.setIntraOpNumThreads(threads);
      }
      switch (device) {
        case Device.Cpu cpu -> {}
        case Device.Cuda cuda -> addCuda(options, cuda);
      }
      done = true;
      return options;
    } finally {
      if (!done) {
        options.close();
      }
    }
  }

  private static void addCuda(SessionOptions options, Device.Cuda cuda) {
    if (!OrtEnvironment.getAvailableProviders().contains(OrtProvider.CUDA)) {
      throw new OrtFailure.DeviceUnavailable(
          "Device %s was asked for, but this build of Banyan has no CUDA; build it with -Pcuda or use --device cpu"
              .formatted(cuda),
          null);
    }
    try (OrtCUDAProviderOptions provider = new OrtCUDAProviderOptions(cuda.index())) {
      options.addCUDA(provider);
    } catch (OrtException e) {
      throw new OrtFailure.DeviceUnavailable(
          "Device %s cannot be used (a driver, CUDA 13 and cuDNN 9 are needed): %s"
              .formatted(cuda, OrtFailure.reason(e)),
          e);
    }
  }
}
