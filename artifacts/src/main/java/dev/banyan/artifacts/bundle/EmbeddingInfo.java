package dev.banyan.artifacts.bundle;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * What the embedding task learns from.
 *
 * @param objective which texts belong together, and how that is told
 * @param temperature what similarities are divided by before they are compared; not used where
 *     pairs have scores
 */
public record EmbeddingInfo(Objective objective, double temperature) {
  /** One twentieth, as sentence-transformers has it. */
  public static final double TEMPERATURE = 0.05;

  /** Which texts belong together, and how that is told. */
  public enum Objective {
    /**
     * Each text has a partner; the partners of the other texts of a batch are no partners of it.
     */
    PAIRS,
    /** Each text has a partner, and one that is none although it looks like one. */
    TRIPLETS,
    /** Each pair has a score, which the cosine of the two embeddings is to meet. */
    SCORED;

    /** The name used on the command line and in files. */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** The objective of this name; empty if there is none. */
    public static Optional<Objective> of(String text) {
      return Arrays.stream(values()).filter(value -> value.text().equals(text)).findFirst();
    }

    static Objective parse(String text) {
      return of(text)
          .orElseThrow(() -> new IllegalArgumentException("'" + text + "' is not an objective"));
    }
  }

  /**
   * Checks the temperature.
   *
   * @throws IllegalArgumentException if it is not above 0
   */
  public EmbeddingInfo {
    if (!(temperature > 0) || !Double.isFinite(temperature)) {
      throw new IllegalArgumentException("temperature is " + temperature + "; expected above 0");
    }
  }

  /** Pairs at the usual temperature. */
  public static EmbeddingInfo pairs() {
    return new EmbeddingInfo(Objective.PAIRS, TEMPERATURE);
  }

  /** Texts of an example: two, or three where one does not belong. */
  public int texts() {
    return objective == Objective.TRIPLETS ? 3 : 2;
  }
}
