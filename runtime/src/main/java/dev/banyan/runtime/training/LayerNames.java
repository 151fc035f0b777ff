package dev.banyan.runtime.training;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Which layers a rule such as {@code query=16} is about. */
final class LayerNames {
  private LayerNames() {}

  /**
   * Checks a regular expression for part of a module path.
   *
   * @param flag where it was given
   * @throws IllegalArgumentException that says what is wrong
   */
  static void check(String flag, String layers) {
    try {
      Pattern _ = Pattern.compile(layers);
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "%s is %s; expected a name or regular expression: %s"
              .formatted(flag, layers, e.getDescription()),
          e);
    }
  }

  /** Whether the expression fits part of a module path, from dot to dot. */
  static boolean fit(String layers, String site) {
    return site.matches("(.*\\.)?(" + layers + ")(\\..*)?");
  }

  /**
   * Reads rules with a comma between them.
   *
   * @throws IllegalArgumentException if the text has another form
   */
  static <R> List<R> parse(String text, Form form, BiFunction<String, String, R> rule) {
    List<R> rules = new ArrayList<>();
    for (String one : text.isBlank() ? new String[0] : text.split(",", -1)) {
      int equals = one.lastIndexOf('=');
      String number = one.substring(equals + 1).strip();
      Require.that(
          equals > 0 && number.matches(form.number()),
          form.flag(),
          "'" + one + "'",
          "<layers>=<%s>, for instance query=16".formatted(form.value()));
      rules.add(rule.apply(one.substring(0, equals).strip(), number));
    }
    return rules;
  }

  /**
   * How the rules of a flag are written.
   *
   * @param flag its name
   * @param value what the number is
   * @param number a regular expression for it
   */
  record Form(String flag, String value, String number) {}
}
