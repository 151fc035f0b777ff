package dev.banyan.graph.site;

import dev.banyan.graph.GraphFailure.NoSuchSite;
import java.util.List;

/**
 * Chooses sites by name.
 *
 * @param targets {@code all-linear}, or the last names of module paths, such as {@code query,value}
 */
public record TargetSelector(String targets) {
  /**
   * The chosen ones of some sites.
   *
   * @throws NoSuchSite if there are none
   */
  public List<Site> select(List<Site> all) {
    if (targets.equals("all-linear")) {
      return all;
    }
    List<String> names = List.of(targets.split(",", -1));
    List<Site> chosen =
        all.stream()
            .filter(s -> names.contains(s.path().substring(s.path().lastIndexOf('.') + 1)))
            .toList();
    if (chosen.isEmpty()) {
      throw new NoSuchSite(
          "No site matches '%s'; there are %s"
              .formatted(targets, all.stream().map(Site::path).toList()));
    }
    return chosen;
  }
}
