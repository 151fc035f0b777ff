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

  /** In {@code targets}: the last layers of attention and of feed-forward blocks. */
  String BLOCK_OUTPUTS = "block-outputs";

  /** In {@code targets}: the last layers of feed-forward blocks. */
  String FEED_FORWARD_OUTPUTS = "feed-forward-outputs";

  /**
   * The layers whose output is added to what their block has read, by the names that they have in
   * known architectures.
   *
   * @param attention whether those of attention are meant beside those of feed-forward blocks
   */
  record Outputs(boolean attention) implements PathMatch {
    private static final Pattern OF_FEED_FORWARD =
        Pattern.compile(
            "(.*[.])?((?<!attention[.])output[.]dense|ffn[.]lin2|ffn_output|fc2|wo|dense_4h_to_h|mlp[.](down_proj|c_proj|Wo|w2))");

    private static final Pattern OF_ATTENTION =
        Pattern.compile(
            "(.*[.])?(attention[.]output[.]dense|(self_)?attention[.](dense|out_lin)|self_attn[.](o_proj|out_proj|dense)|attn[.](o|c_proj|out_proj|Wo)|SelfAttention[.]o)");

    @Override
    public boolean matches(String path) {
      return OF_FEED_FORWARD.matcher(path).matches()
          || (attention && OF_ATTENTION.matcher(path).matches());
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
   * Reads a choice: {@code all-linear}, {@code block-outputs}, {@code feed-forward-outputs}, names
   * with commas between them, or else a regular expression.
   *
   * @throws NoSuchSite if it is none of them
   */
  static PathMatch parse(String text) {
    switch (text) {
      case "all-linear" -> {
        return new AllLinear();
      }
      case BLOCK_OUTPUTS, FEED_FORWARD_OUTPUTS -> {
        return new Outputs(text.equals(BLOCK_OUTPUTS));
      }
      default -> {}
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
