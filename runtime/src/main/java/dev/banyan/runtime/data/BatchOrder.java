package dev.banyan.runtime.data;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Which examples share a batch. */
public enum BatchOrder {
  /** Those of like length: little is spent on padding, and long texts come in batches of long. */
  BY_LENGTH,
  /** Whatever chance brings together: where length tells the label, batches are of all labels. */
  SHUFFLED;

  /** The name used on the command line. */
  public String text() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The order of this name. */
  public static Optional<BatchOrder> of(String text) {
    return Arrays.stream(values()).filter(order -> order.text().equals(text)).findFirst();
  }
}
