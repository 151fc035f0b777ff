package dev.banyan.runtime.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * The examples of one file, in its order.
 *
 * <p>Two forms are read, both UTF-8. JSON lines: {@code {"text": "..", "label": ".."}}, also with
 * {@code text_pair}; other keys are ignored. CSV (RFC 4180) with a header that names the same
 * columns. The file's ending decides ({@code .jsonl}, {@code .ndjson}, {@code .json}, {@code
 * .csv}), else its first character.
 *
 * @param file where the examples come from
 * @param examples at least one
 */
public record Dataset(Path file, List<Example> examples) {
  /**
   * Copies the list.
   *
   * @throws DataFailure.Empty if there is no example
   */
  public Dataset {
    examples = List.copyOf(examples);
    if (examples.isEmpty()) {
      throw new DataFailure.Empty(file);
    }
  }

  /**
   * Reads a file.
   *
   * @throws DataFailure if it cannot be read, is empty, or a line is not as expected
   */
  public static Dataset read(Path file) {
    String text = Utf8Text.read(file);
    if (text.isBlank()) {
      throw new DataFailure.Empty(file);
    }
    return new Dataset(
        file, isCsv(file, text) ? CsvRows.read(file, text) : JsonLines.read(file, text));
  }

  private static boolean isCsv(Path file, String text) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".csv")) {
      return true;
    }
    return !name.matches(".*\\.(jsonl|ndjson|json)") && !text.stripLeading().startsWith("{");
  }

  /** Number of examples. */
  public int size() {
    return examples.size();
  }

  /** The texts alone, without what they are paired with. */
  public List<Example> texts() {
    return examples.stream().map(example -> Example.of(example.text())).toList();
  }

  /**
   * What the texts are paired with, as texts of their own.
   *
   * @throws DataFailure.BadLine if an example has no {@code text_pair}
   */
  public List<Example> partners() {
    return examples.stream()
        .map(
            example ->
                example
                    .textPair()
                    .map(Example::of)
                    .orElseThrow(
                        () ->
                            new DataFailure.BadLine(
                                file, example.line(), "the key \"text_pair\" is missing")))
        .toList();
  }
}
