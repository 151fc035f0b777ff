package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * PEFT's {@code rank_pattern} and {@code alpha_pattern}: values by regular expressions, of which
 * the first that fits the end of a module path, from a dot on, decides.
 */
final class LayerPattern {
  private LayerPattern() {}

  /** The value for a module; empty if no expression fits. */
  static Optional<JsonNode> value(JsonNode pattern, String module) {
    return pattern.properties().stream()
        .filter(entry -> module.matches("(.*\\.)?(" + entry.getKey() + ")"))
        .map(Map.Entry::getValue)
        .findFirst();
  }

  /**
   * Checks a pattern of a file.
   *
   * @param holds what each value must be
   * @throws CorruptArtifact if it is none
   */
  static void check(String artifact, JsonNode pattern, Predicate<JsonNode> holds) {
    if (pattern.isMissingNode() || pattern.isNull()) {
      return;
    }
    if (!pattern.isObject()) {
      throw new CorruptArtifact(artifact, "the pattern " + pattern, "numbers by module");
    }
    pattern
        .properties()
        .forEach(
            entry -> {
              if (!isExpression(entry.getKey()) || !holds.test(entry.getValue())) {
                throw new CorruptArtifact(
                    artifact,
                    "\"%s\": %s in a pattern".formatted(entry.getKey(), entry.getValue()),
                    "a regular expression and a positive number");
              }
            });
  }

  private static boolean isExpression(String text) {
    try {
      Pattern _ = Pattern.compile(text);
      return true;
    } catch (PatternSyntaxException e) {
      return false;
    }
  }
}
