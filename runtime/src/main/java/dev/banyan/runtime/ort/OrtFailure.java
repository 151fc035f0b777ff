package dev.banyan.runtime.ort;

import ai.onnxruntime.OrtException;
import dev.banyan.runtime.RuntimeFailure;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A failure of ONNX Runtime or of getting it to run at all. */
public abstract sealed class OrtFailure extends RuntimeFailure {
  private static final long serialVersionUID = 1;

  /** {@code .../file.cc:12 function [ONNXRuntimeError] : 1 : FAIL : }. */
  private static final Pattern SOURCE_LINE =
      Pattern.compile("^\\S+\\.(cc|h):\\d+ .*?\\[ONNXRuntimeError\\] : \\d+ : \\w+ : ");

  private OrtFailure(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** There is no native library for this machine, or it does not load. */
  public static final class NoNativeLibrary extends OrtFailure {
    private static final long serialVersionUID = 1;

    NoNativeLibrary(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** The device asked for is not there or cannot be used. */
  public static final class DeviceUnavailable extends OrtFailure {
    private static final long serialVersionUID = 1;

    DeviceUnavailable(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** ONNX Runtime refused to load a model file. */
  public static final class ModelRejected extends OrtFailure {
    private static final long serialVersionUID = 1;

    ModelRejected(Path model, OrtException cause) {
      super("ONNX Runtime does not load %s: %s".formatted(model, advised(reason(cause))), cause);
    }

    private static String advised(String reason) {
      return reason.startsWith("Could not find an implementation")
          ? reason
              + " (the device has no kernel for these element types; what was prepared with"
              + " --precision bf16 needs --device cuda)"
          : reason;
    }
  }

  /** A loaded model failed while running, or was fed something it does not take. */
  public static final class RunFailed extends OrtFailure {
    private static final long serialVersionUID = 1;

    RunFailed(String what, @Nullable Throwable cause) {
      super(cause == null ? what : what + ": " + reason(cause), cause);
    }
  }

  /** ORT's message without its error-code prefix and its own source line, on one line. */
  static String reason(Throwable cause) {
    String message = String.valueOf(cause.getMessage());
    int start = message.toLowerCase(Locale.ROOT).indexOf("message:");
    String text = start < 0 ? message : message.substring(start + "message:".length());
    return SOURCE_LINE.matcher(text.strip().replaceAll("\\s*\\R\\s*", " ")).replaceFirst("");
  }
}
