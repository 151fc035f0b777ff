package dev.banyan.runtime.training;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Ranks of single layers.
 *
 * @param rules the first that fits a layer decides
 */
public record RankPattern(List<Rule> rules) {
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
      try {
        Pattern _ = Pattern.compile(layers);
      } catch (PatternSyntaxException e) {
        throw new IllegalArgumentException(
            "rank-pattern is %s; expected a name or regular expression: %s"
                .formatted(layers, e.getDescription()),
            e);
      }
    }

    boolean fits(String site) {
      return site.matches("(.*\\.)?(" + layers + ")(\\..*)?");
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
    List<Rule> rules = new ArrayList<>();
    for (String rule : text.isBlank() ? new String[0] : text.split(",", -1)) {
      int equals = rule.lastIndexOf('=');
      String rank = rule.substring(equals + 1).strip();
      Require.that(
          equals > 0 && rank.matches("[0-9]{1,6}"),
          "rank-pattern",
          "'" + rule + "'",
          "<layers>=<rank>, for instance query=16");
      rules.add(new Rule(rule.substring(0, equals).strip(), Integer.parseInt(rank)));
    }
    return new RankPattern(rules);
  }
}
