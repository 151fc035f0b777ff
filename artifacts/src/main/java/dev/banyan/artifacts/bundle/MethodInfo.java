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
 *     all-linear}; empty for a method that does not adapt layers
 * @param sites module paths of the layers that it adapts, in graph order
 * @param settings what else it was given, by the names of the command line
 */
public record MethodInfo(
    MethodName name, String targets, List<String> sites, Map<String, String> settings) {
  /** Copies the collections. */
  public MethodInfo {
    sites = List.copyOf(sites);
    settings = Collections.unmodifiableSortedMap(new TreeMap<>(settings));
  }

  /** A method without settings. */
  public MethodInfo(MethodName name, String targets, List<String> sites) {
    this(name, targets, sites, Map.of());
  }
}
