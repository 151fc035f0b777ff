package dev.banyan.runtime.data;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeSet;

/**
 * The labels of a classifier; a label's class id is its place in the list.
 *
 * @param names distinct names, at least one
 */
public record LabelSet(List<String> names) {
  /**
   * Copies the names.
   *
   * @throws DataFailure.BadLabels if there is none, or one twice
   */
  public LabelSet {
    names = List.copyOf(names);
    if (names.isEmpty() || new TreeSet<>(names).size() != names.size()) {
      throw new DataFailure.BadLabels("Labels must be distinct and at least one, not " + names);
    }
  }

  /**
   * The labels that occur in training data: in alphabetical order, numbers by their value.
   *
   * @throws DataFailure if an example has no label, or all have the same one
   */
  public static LabelSet of(Dataset data) {
    TreeSet<String> found = new TreeSet<>(LabelSet::compare);
    for (Example example : data.examples()) {
      found.add(
          example
              .label()
              .orElseThrow(
                  () ->
                      new DataFailure.BadLine(
                          data.file(), example.line(), "the label is missing")));
    }
    if (found.size() < 2) {
      throw new DataFailure.BadLabels(
          "%s has the one label %s; a classifier needs at least two"
              .formatted(data.file(), found.getFirst()));
    }
    return new LabelSet(List.copyOf(found));
  }

  private static int compare(String a, String b) {
    boolean numbers = isNumber(a) && isNumber(b);
    int order = numbers ? Long.compare(Long.parseLong(a), Long.parseLong(b)) : 0;
    return order != 0 ? order : a.compareTo(b);
  }

  private static boolean isNumber(String text) {
    return text.matches("-?\\d{1,18}");
  }

  /** Number of labels. */
  public int size() {
    return names.size();
  }

  /** The class id of a name; empty if it is not one of the labels. */
  public OptionalInt id(String name) {
    int id = names.indexOf(name);
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /**
   * The class ids of a data set, in its order.
   *
   * @throws DataFailure.BadLine if an example has no label or one that was not trained
   */
  public long[] idsOf(Dataset data) {
    Map<String, Integer> ids = HashMap.newHashMap(names.size());
    names.forEach(name -> ids.put(name, ids.size()));
    long[] result = new long[data.size()];
    for (int i = 0; i < result.length; i++) {
      Example example = data.examples().get(i);
      String label =
          example
              .label()
              .orElseThrow(
                  () ->
                      new DataFailure.BadLine(data.file(), example.line(), "the label is missing"));
      Integer id = ids.get(label);
      if (id == null) {
        throw new DataFailure.BadLine(
            data.file(),
            example.line(),
            "the label \"%s\" is not among those trained: %s".formatted(label, names));
      }
      result[i] = id;
    }
    return result;
  }
}
