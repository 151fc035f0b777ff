package dev.banyan.runtime.data;

import dev.banyan.artifacts.bundle.Task;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The labels of a classifier; a label's class id is its place in the list.
 *
 * @param names distinct names, at least one
 */
public record LabelSet(List<String> names) {
  /** What the one output of a regression is called. */
  public static final LabelSet SCORE = new LabelSet(List.of("score"));

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
   * The labels that occur in a task's training data; empty for a task without a head.
   *
   * @throws DataFailure if an example has no label, or there are too few to choose from
   */
  public static Optional<LabelSet> of(Task task, Dataset data) {
    return switch (task) {
      case TEXT_CLASSIFICATION ->
          Optional.of(
              of(
                  data.file(),
                  2,
                  data.examples(Example.Labelled::of).stream()
                      .map(Example.Labelled::label)
                      .toList()));
      case MULTI_LABEL ->
          Optional.of(
              of(
                  data.file(),
                  1,
                  data.examples(Example.MultiLabelled::of).stream()
                      .flatMap(example -> example.labels().stream())
                      .toList()));
      case TOKEN_CLASSIFICATION ->
          Optional.of(
              of(
                  data.file(),
                  2,
                  data.examples(Example.Tagged::of).stream()
                      .flatMap(example -> example.labels().stream())
                      .toList()));
      case REGRESSION -> Optional.of(SCORE);
      case EMBEDDING, CAUSAL_LM -> Optional.empty();
    };
  }

  /** In alphabetical order, numbers by their value. */
  private static LabelSet of(Path file, int least, Collection<String> labels) {
    TreeSet<String> found = new TreeSet<>(LabelSet::compare);
    found.addAll(labels);
    if (found.size() < least) {
      throw new DataFailure.BadLabels(
          "%s has %s; a classifier needs at least %d"
              .formatted(
                  file, found.isEmpty() ? "no label" : "the one label " + found.getFirst(), least));
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

  /** Finds the class ids of many names. */
  Index index(Path file) {
    return new Index(
        this,
        file,
        IntStream.range(0, names.size()).boxed().collect(Collectors.toMap(names::get, id -> id)));
  }

  /**
   * Class ids by name, for the examples of one file.
   *
   * @param labels all labels
   * @param file for messages
   * @param ids the place of each label
   */
  record Index(LabelSet labels, Path file, Map<String, Integer> ids) {
    /**
     * A class id.
     *
     * @param line of the example, for messages
     * @throws DataFailure.BadLine if the label was not trained
     */
    int id(String label, long line) {
      Integer id = ids.get(label);
      if (id == null) {
        throw new DataFailure.BadLine(
            file,
            line,
            "the label \"%s\" is not among those trained: %s".formatted(label, labels.names()));
      }
      return id;
    }
  }
}
