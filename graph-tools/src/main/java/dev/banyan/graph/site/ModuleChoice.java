package dev.banyan.graph.site;

import dev.banyan.graph.GraphFailure.NoSuchSite;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Which modules of a model are meant, where any module can be: what {@link TargetSelector} says of
 * layers, for weights.
 *
 * @param targets names or a regular expression; all modules if absent
 * @param exclude the same for what is left out
 * @param layers numbers of layers such as {@code 2-5}
 */
public record ModuleChoice(
    Optional<String> targets, Optional<String> exclude, Optional<String> layers) {
  /**
   * Checks that the texts can be read.
   *
   * @throws NoSuchSite if one cannot
   */
  public ModuleChoice {
    targets.ifPresent(PathMatch::parse);
    exclude.ifPresent(PathMatch::parse);
    layers.ifPresent(Layers::parse);
  }

  /** Every module. */
  public static ModuleChoice all() {
    return new ModuleChoice(Optional.empty(), Optional.empty(), Optional.empty());
  }

  /** The choice in words, such as {@code query in layers 2-5}; empty for every module. */
  public String text() {
    if (equals(all())) {
      return "";
    }
    return targets.orElse("all modules")
        + exclude.map(names -> " without " + names).orElse("")
        + layers.map(numbers -> " in layers " + numbers).orElse("");
  }

  /**
   * Decides about module paths.
   *
   * @param paths every one that there is
   * @throws NoSuchSite if a name is that of none of them; a misspelt one would go unnoticed
   */
  public Predicate<String> among(Collection<String> paths) {
    Optional<PathMatch> wanted = targets.map(text -> matching(text, paths));
    Optional<PathMatch> unwanted = exclude.map(text -> matching(text, paths));
    Optional<Layers> inside = layers.map(Layers::parse);
    return path ->
        wanted.map(match -> match.matches(path)).orElse(true)
            && unwanted.map(match -> !match.matches(path)).orElse(true)
            && inside.map(numbers -> numbers.contain(path)).orElse(true);
  }

  private static PathMatch matching(String text, Collection<String> paths) {
    PathMatch match = PathMatch.parse(text);
    if (match instanceof PathMatch.Names names) {
      for (String name : names.names()) {
        PathMatch one = PathMatch.parse(name);
        if (paths.stream().noneMatch(one::matches)) {
          throw new NoSuchSite(
              "No module is named '%s'; names of modules with such weights end in: %s"
                  .formatted(name, ends(paths)));
        }
      }
    }
    return match;
  }

  private static String ends(Collection<String> paths) {
    Set<String> ends = new TreeSet<>();
    paths.forEach(path -> ends.add(path.substring(path.lastIndexOf('.') + 1)));
    return String.join(", ", ends);
  }
}
