package dev.banyan.runtime.training;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What computes a run. */
public enum EngineKind {
  /** A plain session over the gradient graph; parameters, gradients and AdamW are Banyan's. */
  SESSION,
  /** ONNX Runtime's training API over the four artifacts that its other bindings load too. */
  ORT_TRAINING;

  /** The name used on the command line. */
  public String text() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The engine of this name. */
  public static Optional<EngineKind> of(String text) {
    return Arrays.stream(values()).filter(kind -> kind.text().equals(text)).findFirst();
  }
}
