package dev.banyan.artifacts.bundle;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One method that a bundle was prepared for.
 *
 * @param name which it is
 * @param targets the selection of layers as it was asked for, such as {@code query,value} or {@code
 *     all-linear}; of a method that trains weights of the base, of modules, and empty for all of
 *     them
 * @param sites module paths of the layers that it adapts, in graph order
 * @param settings what else it was given, by the names of the command line
 * @param weights names of the parameters of the base that it trains, in graph order; none of a
 *     method that adapts layers
 * @param widths how many numbers each of the sites reads, of a method whose layers share a
 *     parameter: PEFT makes that as large as the largest layer of an adapter, and adapters may have
 *     fewer layers than the bundle
 */
public record MethodInfo(
    MethodName name,
    String targets,
    List<String> sites,
    Map<String, String> settings,
    List<String> weights,
    List<Long> widths) {
  /** Copies the collections. */
  public MethodInfo {
    sites = List.copyOf(sites);
    weights = List.copyOf(weights);
    widths = List.copyOf(widths);
    settings = Collections.unmodifiableSortedMap(new TreeMap<>(settings));
  }

  /** A method without settings. */
  public MethodInfo(MethodName name, String targets, List<String> sites) {
    this(name, targets, sites, Map.of(), List.of(), List.of());
  }
}
