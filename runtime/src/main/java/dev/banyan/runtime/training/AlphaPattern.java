package dev.banyan.runtime.training;

import java.util.List;

/**
 * Alphas of single layers.
 *
 * @param rules the first that fits a layer decides
 */
public record AlphaPattern(List<Rule> rules) {
  private static final LayerNames.Form FORM =
      new LayerNames.Form("alpha-pattern", "alpha", "[0-9]{1,9}([.][0-9]{1,9})?");

  /**
   * An alpha for some layers.
   *
   * @param layers a regular expression for part of a module path, from dot to dot, such as {@code
   *     query} or {@code layer.5}
   * @param alpha above 0
   */
  public record Rule(String layers, double alpha) {
    /**
     * Checks both.
     *
     * @throws IllegalArgumentException that says what is wrong
     */
    public Rule {
      Require.that(
          alpha > 0 && Double.isFinite(alpha),
          "alpha-pattern",
          layers + "=" + alpha,
          "alphas above 0");
      LayerNames.check("alpha-pattern", layers);
    }

    boolean fits(String site) {
      return LayerNames.fit(layers, site);
    }
  }

  /** Copies the rules. */
  public AlphaPattern {
    rules = List.copyOf(rules);
  }

  /** The same alpha in all layers. */
  public static AlphaPattern none() {
    return new AlphaPattern(List.of());
  }

  /**
   * Reads {@code query=32,layer.5=8}.
   *
   * @throws IllegalArgumentException if the text is another
   */
  public static AlphaPattern parse(String text) {
    return new AlphaPattern(
        LayerNames.parse(
            text, FORM, (layers, alpha) -> new Rule(layers, Double.parseDouble(alpha))));
  }
}
