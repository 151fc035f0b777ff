package dev.banyan.graph.site;

import dev.banyan.artifacts.bundle.LayerPart;
import dev.banyan.graph.GraphFailure.NoSuchSite;
import dev.banyan.graph.site.SiteKind.Part;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * Chooses the sites to adapt.
 *
 * <pre>{@code
 * new TargetSelector("query,value").select(sites);          // paths ending in these names
 * new TargetSelector("all-linear").select(sites);           // all but the output head
 * new TargetSelector("head-only").select(sites);            // none: only the new head learns
 * new TargetSelector(".*attention.*dense").select(sites);   // a regular expression for whole paths
 * new TargetSelector("dense", Optional.of("pooler.dense"), Optional.of("2-5")).select(sites);
 * }</pre>
 */
public final class TargetSelector {
  /** Chooses no site at all. */
  public static final String HEAD_ONLY = "head-only";

  private final String text;
  private final PathMatch targets;
  private final Optional<PathMatch> exclude;
  private final Optional<String> layers;

  /**
   * A choice of what the text names.
   *
   * @throws NoSuchSite if the text cannot be read
   */
  public TargetSelector(String targets) {
    this(targets, Optional.empty(), Optional.empty());
  }

  /**
   * A choice with exceptions.
   *
   * @param targets names such as {@code query,value}, {@code all-linear}, or a regular expression
   * @param exclude the same for what is left out
   * @param layers numbers of layers such as {@code 2-5} or {@code 0,3}
   * @throws NoSuchSite if a text cannot be read
   */
  public TargetSelector(String targets, Optional<String> exclude, Optional<String> layers) {
    this.text = targets;
    this.targets = PathMatch.parse(targets);
    this.exclude = exclude.map(PathMatch::parse);
    this.layers = layers;
    layers.ifPresent(Layers::parse);
  }

  /**
   * The chosen sites of all kinds, in their order; none for {@link #HEAD_ONLY}.
   *
   * @throws NoSuchSite as {@link #select(List)}, and if a name matches only layers that cannot
   *     carry an adapter; the message says why they cannot
   */
  public List<Site> select(SiteDiscovery.Found found) {
    if (targets instanceof PathMatch.Names(List<String> names)) {
      for (String name : names) {
        PathMatch one = new PathMatch.Names(List.of(name));
        if (found.all().stream().noneMatch(site -> one.matches(site.path()))) {
          found.unusable().stream()
              .filter(layer -> one.matches(layer.path()))
              .findFirst()
              .ifPresent(TargetSelector::refuse);
          LayerParts.layer(name).ifPresent(layer -> refusePart(layer, found));
        }
      }
    }
    return select(found.all());
  }

  private static void refuse(UnusableSite layer) {
    throw new NoSuchSite(
        "Layer '%s' (%s) cannot carry an adapter: %s; leave it out of --targets"
            .formatted(layer.path(), layer.operator(), layer.reason()));
  }

  private static void refusePart(String layer, SiteDiscovery.Found found) {
    PathMatch whole = new PathMatch.Names(List.of(layer));
    if (found.sites().stream().anyMatch(whole::matches)) {
      throw new NoSuchSite(
          "The layer '%s' does not give query, key and value in three equal parts, each of columns next to each other, so they cannot be adapted apart; adapt the whole layer"
              .formatted(layer));
    }
  }

  /** A layer that is matched as a whole is not adapted in parts too. */
  private List<Site> matching(List<Site> all) {
    List<Site> matching = all.stream().filter(targets::matches).toList();
    return matching.stream().filter(site -> !isPartOfOne(site, matching)).toList();
  }

  private static boolean isPartOfOne(Site site, List<Site> layers) {
    return site.kind() instanceof Part(LayerPart part)
        && layers.stream().anyMatch(layer -> layer.path().equals(part.layer()));
  }

  /** What is left out of a layer that is adapted as a whole would be adapted without a word. */
  private static void requireNoPart(PathMatch exclude, List<Site> all, List<Site> left) {
    all.stream()
        .filter(exclude::matches)
        .filter(site -> isPartOfOne(site, left))
        .findFirst()
        .ifPresent(
            site -> {
              throw new NoSuchSite(
                  "'%s' cannot be left out of a layer that is adapted as a whole; name the parts to adapt in --targets instead of the layer"
                      .formatted(site.path()));
            });
  }

  /**
   * The chosen sites, in their order.
   *
   * @throws NoSuchSite if otherwise there is none, or a name matches none; the message says what
   *     there is
   */
  public List<Site> select(List<Site> all) {
    if (text.equals(HEAD_ONLY)) {
      return List.of();
    }
    List<Site> matching = matching(all);
    requireMatches(targets, all);
    // A misspelt exception would be adapted without a word.
    exclude.ifPresent(match -> requireMatches(match, all));
    if (matching.isEmpty()) {
      throw noMatch(text, all);
    }
    List<Site> chosen = layers.map(wanted -> inLayers(wanted, matching)).orElse(matching);
    List<Site> left =
        chosen.stream()
            .filter(site -> exclude.filter(match -> match.matches(site.path())).isEmpty())
            .toList();
    if (left.isEmpty()) {
      throw new NoSuchSite("Every site that '%s' matches is excluded".formatted(text));
    }
    exclude.ifPresent(match -> requireNoPart(match, all, left));
    return left;
  }

  private static void requireMatches(PathMatch match, List<Site> all) {
    if (match instanceof PathMatch.Names(List<String> names)) {
      for (String name : names) {
        PathMatch one = new PathMatch.Names(List.of(name));
        if (all.stream().noneMatch(site -> one.matches(site.path()))) {
          throw noMatch(name, all);
        }
      }
    }
  }

  private List<Site> inLayers(String wanted, List<Site> sites) {
    Layers chosen = Layers.parse(wanted);
    List<Site> inside = sites.stream().filter(site -> chosen.contain(site.path())).toList();
    if (inside.isEmpty()) {
      Set<Integer> present = new TreeSet<>();
      sites.stream()
          .map(site -> Layers.of(site.path()))
          .filter(OptionalInt::isPresent)
          .forEach(layer -> present.add(layer.getAsInt()));
      throw new NoSuchSite(
          "No site that '%s' matches is in layers %s; such sites are in layers %s"
              .formatted(text, wanted, present));
    }
    return inside;
  }

  private static NoSuchSite noMatch(String wanted, List<Site> all) {
    Set<String> ends = new LinkedHashSet<>();
    all.forEach(site -> ends.add(lastComponent(site.path())));
    if (ends.isEmpty()) {
      return new NoSuchSite(
          "No site matches '%s': the model has no linear layer that can carry an adapter"
              .formatted(wanted));
    }
    return new NoSuchSite(
        "No site matches '%s'%s; sites end in: %s"
            .formatted(
                wanted,
                nearest(lastComponent(wanted), ends)
                    .map(name -> " (nearest: '" + name + "')")
                    .orElse(""),
                String.join(", ", ends)));
  }

  private static String lastComponent(String path) {
    return path.substring(path.lastIndexOf('.') + 1);
  }

  /** The name at the smallest edit distance, if that is less than half of what was wanted. */
  private static Optional<String> nearest(String wanted, Collection<String> names) {
    return names.stream()
        .filter(name -> EditDistance.between(wanted, name) * 2 <= Math.max(2, wanted.length()))
        .min(Comparator.comparingInt(name -> EditDistance.between(wanted, name)));
  }
}
