package dev.banyan.artifacts.bundle;

import java.util.Arrays;
import java.util.Locale;

/** What becomes of a parameter. */
public enum Role {
  /** It is trained, saved and served. */
  TRAINED,
  /** It is trained and saved; what is served is a product that it is a part of. */
  FACTOR,
  /** It stays as it starts, and is saved and served with the others: VeRA's projections. */
  FROZEN,
  /**
   * It stays as it starts and is of the training graph alone: what PiSSA starts from and takes off
   * again.
   */
  START;

  /** The name used in files. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Role parse(String text) {
    return Arrays.stream(values())
        .filter(role -> role.text().equals(text))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("'" + text + "' is not a role"));
  }
}
