package dev.banyan.artifacts.bundle;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Which biases of the base an adapter trains, as PEFT's {@code bias} says it. */
public enum BiasTraining {
  /** None: the base is frozen. */
  NONE,
  /** Every bias of the base. */
  ALL,
  /** Those of the adapted layers. */
  LORA_ONLY;

  /** The name used in files and on the command line. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The value of this name. */
  public static Optional<BiasTraining> of(String text) {
    return Arrays.stream(values()).filter(value -> value.text().equals(text)).findFirst();
  }

  static BiasTraining parse(String text) {
    return of(text)
        .orElseThrow(() -> new IllegalArgumentException("'" + text + "' is not a bias setting"));
  }
}
