package dev.banyan.artifacts.bundle;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** A dimension of parameters that each adapter chooses for itself. */
public enum Size {
  /** The rank of a product that stands for a change of a weight. */
  RANK,
  /** The number of labels of the head. */
  LABELS,
  /** The number of virtual tokens of a prompt or of a prefix. */
  TOKENS,
  /** The width of a bottleneck between two layers. */
  BOTTLENECK,
  /** VeRA's rank, which is far higher than the others' as nothing of it is trained. */
  PROJECTION;

  /** The name that dimensions have in graphs and files. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The size of this name, if there is one. */
  public static Optional<Size> of(String text) {
    return Arrays.stream(values()).filter(size -> size.text().equals(text)).findFirst();
  }
}
