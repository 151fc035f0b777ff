package dev.banyan.artifacts.bundle;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * What an adapter has chosen for each {@link Size}, or how much room there is for it.
 *
 * @param values those that are known
 */
public record Sizes(Map<Size, Integer> values) {
  /** Copies the map. */
  public Sizes {
    // In the order of the sizes, so that it reads the same in every run.
    EnumMap<Size, Integer> sorted = new EnumMap<>(Size.class);
    sorted.putAll(values);
    values = Collections.unmodifiableMap(sorted);
  }

  /** Nothing is known. */
  public static Sizes none() {
    return new Sizes(Map.of());
  }

  /** What adapters have that were not asked for anything else. */
  public static Sizes usual() {
    return none()
        .with(Size.RANK, 8)
        .with(Size.TOKENS, 20)
        .with(Size.BOTTLENECK, 48)
        .with(Size.PROJECTION, 256);
  }

  /** Rank and labels, and every other size as large as the rank: for checks on small numbers. */
  public static Sizes of(long rank, long labels) {
    Map<Size, Integer> all = new EnumMap<>(Size.class);
    for (Size size : Size.values()) {
      all.put(size, Math.toIntExact(size == Size.LABELS ? labels : rank));
    }
    return new Sizes(all);
  }

  /** The same with another value of one size. */
  public Sizes with(Size size, int value) {
    Map<Size, Integer> all = new EnumMap<>(Size.class);
    all.putAll(values);
    all.put(size, value);
    return new Sizes(all);
  }

  /**
   * The value of a size.
   *
   * @throws IllegalArgumentException if it is not known
   */
  public int of(Size size) {
    Integer value = values.get(size);
    if (value == null) {
      throw new IllegalArgumentException("No size '%s' among %s".formatted(size.text(), values));
    }
    return value;
  }
}
