package dev.banyan.runtime.data;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Which examples share a batch. */
public enum BatchOrder {
  /** Those of like length: little is spent on padding. */
  BY_LENGTH,
  /** Whatever chance brings together, as where runs of other programs are to be compared. */
  SHUFFLED;

  /** The name used on the command line. */
  public String text() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The order of this name. */
  public static Optional<BatchOrder> of(String text) {
    return Arrays.stream(values()).filter(order -> order.text().equals(text)).findFirst();
  }

  /** As the command line has it, for messages. */
  @Override
  public String toString() {
    return text();
  }
}
