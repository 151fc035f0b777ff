package dev.banyan.runtime.training;

import java.util.List;

/**
 * Ranks of single layers.
 *
 * @param rules the first that fits a layer decides
 */
public record RankPattern(List<Rule> rules) {
  private static final LayerNames.Form FORM =
      new LayerNames.Form("rank-pattern", "rank", "[0-9]{1,6}");

  /**
   * A rank for some layers.
   *
   * @param layers a regular expression for part of a module path, from dot to dot, such as {@code
   *     query} or {@code layer.5}
   * @param rank 1 or more
   */
  public record Rule(String layers, int rank) {
    /**
     * Checks both.
     *
     * @throws IllegalArgumentException that says what is wrong
     */
    public Rule {
      Require.that(rank >= 1, "rank-pattern", layers + "=" + rank, "ranks of 1 or more");
      LayerNames.check("rank-pattern", layers);
    }

    boolean fits(String site) {
      return LayerNames.fit(layers, site);
    }
  }

  /** Copies the rules. */
  public RankPattern {
    rules = List.copyOf(rules);
  }

  /** The same rank in all layers. */
  public static RankPattern none() {
    return new RankPattern(List.of());
  }

  /**
   * Reads {@code query=16,layer.5=4}.
   *
   * @throws IllegalArgumentException if the text is another
   */
  public static RankPattern parse(String text) {
    return new RankPattern(
        LayerNames.parse(text, FORM, (layers, rank) -> new Rule(layers, Integer.parseInt(rank))));
  }
}
