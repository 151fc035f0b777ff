package dev.banyan.server.wiring;

import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.Device;
import dev.banyan.server.batch.Admission;
import dev.banyan.server.batch.BatchPolicy;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Everything that can be set about a server.
 *
 * <pre>{@code
 * ServerConfig config = ServerConfig.of(bundle, adapters).withPort(0);
 * }</pre>
 *
 * @param bundle the prepared bundle that is served
 * @param adapters folder of adapters, {@code <tenant>/<name>}
 * @param host address to listen on
 * @param port port to listen on; 0 takes a free one
 * @param capacity what the bank can hold
 * @param device where the model runs
 * @param threads threads of the model; 0 leaves the choice to ONNX Runtime
 * @param batches how large batches become
 * @param limits how many rows may wait
 * @param drain how long a shutdown waits for requests in flight
 */
public record ServerConfig(
    Path bundle,
    Path adapters,
    String host,
    int port,
    Capacity capacity,
    Device device,
    int threads,
    BatchPolicy batches,
    Admission.Limits limits,
    Duration drain) {

  /**
   * Checks the port.
   *
   * @throws IllegalArgumentException if there is no such port
   */
  public ServerConfig {
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("port is " + port + "; expected 0 to 65535");
    }
  }

  /**
   * What the bank of adapters can hold; its memory is set aside at the start.
   *
   * @param slots adapters in memory at once; more may lie in the folder
   * @param room the largest value of each size of an adapter
   * @param projections how many different pairs of VeRA's projections adapters can have
   * @param mixtures mixtures of adapters in memory at once, beside the adapters; 0 for none
   */
  public record Capacity(int slots, Sizes room, int projections, int mixtures) {
    /** Usual room for all but ranks and labels, and as many mixtures as there are by default. */
    public Capacity(int slots, int maxRank, int maxLabels) {
      this(
          slots,
          ServingPlan.usualRoom().with(Size.RANK, maxRank).with(Size.LABELS, maxLabels),
          ServingPlan.USUAL_PROJECTIONS,
          4);
    }

    /** 64 adapters, up to rank 16 and 64 labels, and 4 mixtures. */
    public static Capacity defaults() {
      return new Capacity(64, 16, 64);
    }

    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException if one is not positive
     */
    public Capacity {
      require(slots, "slots");
      require(projections, "projections");
      room.values().forEach((size, most) -> require(most, "max-" + size.text()));
      if (mixtures < 0) {
        throw new IllegalArgumentException(
            "mixtures is %d; expected 0 or more".formatted(mixtures));
      }
    }

    private static void require(int value, String name) {
      if (value < 1) {
        throw new IllegalArgumentException(name + " is " + value + "; expected 1 or more");
      }
    }
  }

  /** The defaults, on 127.0.0.1:8080 and the CPU. */
  public static ServerConfig of(Path bundle, Path adapters) {
    return new ServerConfig(
        bundle,
        adapters,
        "127.0.0.1",
        8080,
        Capacity.defaults(),
        new Device.Cpu(),
        0,
        BatchPolicy.defaults(),
        Admission.Limits.defaults(),
        Duration.ofSeconds(30));
  }

  /** The same on another port; 0 takes a free one. */
  public ServerConfig withPort(int other) {
    return new ServerConfig(
        bundle, adapters, host, other, capacity, device, threads, batches, limits, drain);
  }

  /** The same on another address. */
  public ServerConfig withHost(String other) {
    return new ServerConfig(
        bundle, adapters, other, port, capacity, device, threads, batches, limits, drain);
  }

  /** The same with another bank. */
  public ServerConfig withCapacity(Capacity other) {
    return new ServerConfig(
        bundle, adapters, host, port, other, device, threads, batches, limits, drain);
  }

  /** The same on another device, with this many threads (0: ONNX Runtime's choice). */
  public ServerConfig withDevice(Device other, int count) {
    return new ServerConfig(
        bundle, adapters, host, port, capacity, other, count, batches, limits, drain);
  }

  /** The same with other limits on what may wait. */
  public ServerConfig withLimits(Admission.Limits other) {
    return new ServerConfig(
        bundle, adapters, host, port, capacity, device, threads, batches, other, drain);
  }

  /** The same with another way to form batches. */
  public ServerConfig withBatches(BatchPolicy other) {
    return new ServerConfig(
        bundle, adapters, host, port, capacity, device, threads, other, limits, drain);
  }
}
