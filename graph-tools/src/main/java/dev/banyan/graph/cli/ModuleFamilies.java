package dev.banyan.graph.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Modules whose paths differ in numbers alone; a report has one line for them. */
final class ModuleFamilies {
  private ModuleFamilies() {}

  /** A name in which each component that is a number is a star. */
  static String numbersHidden(String name) {
    return name.replaceAll("(^|\\.)\\d+(?=\\.|$)", "$1*");
  }

  /** What has the same key, in the order of the first of them. */
  static <K, T> Map<K, List<T>> of(List<T> modules, Function<T, K> key) {
    return modules.stream()
        .collect(Collectors.groupingBy(key, LinkedHashMap::new, Collectors.toList()));
  }
}
