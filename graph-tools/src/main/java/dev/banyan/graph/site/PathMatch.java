package dev.banyan.graph.site;

import dev.banyan.graph.GraphFailure.NoSuchSite;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** What {@code --targets} and {@code --exclude} can say about a module path. */
public sealed interface PathMatch {
  /** True if the path is meant. */
  boolean matches(String path);

  /** True if the site is meant. */
  default boolean matches(Site site) {
    return matches(site.path());
  }

  /** Every linear layer but the output head, as in PEFT. */
  record AllLinear() implements PathMatch {
    private static final Set<String> HEADS =
        Set.of("classifier", "score", "lm_head", "qa_outputs", "predictions", "embed_out");

    @Override
    public boolean matches(String path) {
      return Arrays.stream(path.split("[.]")).noneMatch(HEADS::contains);
    }

    @Override
    public boolean matches(Site site) {
      return site.isLinear() && matches(site.path());
    }
  }

  /** Paths that end in one of these names; a name may have several components, as in PEFT. */
  record Names(List<String> names) implements PathMatch {
    @Override
    public boolean matches(String path) {
      return names.stream().anyMatch(name -> path.equals(name) || path.endsWith("." + name));
    }
  }

  /** Paths that match a regular expression as a whole. */
  record Regex(Pattern pattern) implements PathMatch {
    @Override
    public boolean matches(String path) {
      return pattern.matcher(path).matches();
    }
  }

  /**
   * Reads a choice: {@code all-linear}, names with commas between them, or else a regular
   * expression.
   *
   * @throws NoSuchSite if it is none of them
   */
  static PathMatch parse(String text) {
    if (text.equals("all-linear")) {
      return new AllLinear();
    }
    List<String> names = Arrays.stream(text.split(",", -1)).map(String::strip).toList();
    if (names.stream().allMatch(name -> name.matches("[\\w-]+([.][\\w-]+)*"))) {
      return new Names(names);
    }
    try {
      return new Regex(Pattern.compile(text));
    } catch (PatternSyntaxException e) {
      throw new NoSuchSite(
          "Targets '%s' cannot be read as names or as a regular expression: %s"
              .formatted(text, e.getDescription()));
    }
  }
}
