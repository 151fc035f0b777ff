package dev.banyan.runtime.ort;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtLoggingLevel;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The one ONNX Runtime of this process. The first use unpacks the native libraries if this user has
 * never run this version, loads them and starts the environment; {@link #start} does so early, for
 * instance on a thread of its own while data is being read.
 */
public final class OrtRuntime {
  /** Where ORT's classes look for native libraries; a user may set it to a build of their own. */
  private static final String NATIVE_PATH = "onnxruntime.native.path";

  private static @Nullable OrtEnvironment environment;

  private OrtRuntime() {}

  /**
   * Loads ONNX Runtime now rather than at the first session.
   *
   * @throws OrtFailure.NoNativeLibrary if there is none for this machine or it does not load
   */
  public static void start() {
    var _ = environment();
  }

  /** Version of ONNX Runtime, for instance {@code 1.28.0}. */
  public static String version() {
    return environment().getVersion();
  }

  /** Whether the library that was loaded can train. */
  public static boolean canTrain() {
    return environment().isTrainingEnabled();
  }

  /** The environment. No class of {@code ai.onnxruntime} may be used before this was called. */
  static synchronized OrtEnvironment environment() {
    OrtEnvironment current = environment;
    if (current == null) {
      if (System.getProperty(NATIVE_PATH) == null) {
        Path libraries = NativeLibraries.ofThisMachine().unpack(NativeLibraries.userCache());
        System.setProperty(NATIVE_PATH, libraries.toString());
      }
      current = load();
      environment = current;
    }
    return current;
  }

  private static OrtEnvironment load() {
    try {
      // What ORT would log as an error it also throws; the screen is for what Banyan says.
      return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, "banyan");
    } catch (LinkageError | RuntimeException e) {
      throw new OrtFailure.NoNativeLibrary(
          "ONNX Runtime does not load from %s: %s"
              .formatted(System.getProperty(NATIVE_PATH), OrtFailure.reason(rootOf(e))),
          e);
    }
  }

  private static Throwable rootOf(Throwable e) {
    Throwable cause = e.getCause();
    return cause == null ? e : rootOf(cause);
  }
}
