package dev.banyan.runtime.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * The records of one file, in its order. A task reads them as the kind of {@link Example} that it
 * needs:
 *
 * <pre>{@code
 * List<Example.Labelled> examples = Dataset.read(file).examples(Example.Labelled::of);
 * }</pre>
 *
 * <p>Two forms are read, both UTF-8: JSON lines, and CSV (RFC 4180) with a header that names the
 * keys; lists are for JSON lines alone. The file's ending decides ({@code .jsonl}, {@code .ndjson},
 * {@code .json}, {@code .csv}), else its first character.
 *
 * @param file where the records come from
 * @param rows at least one
 */
public record Dataset(Path file, List<DataRow> rows) {
  /**
   * Copies the list.
   *
   * @throws DataFailure.Empty if there is no record
   */
  public Dataset {
    rows = List.copyOf(rows);
    if (rows.isEmpty()) {
      throw new DataFailure.Empty(file);
    }
  }

  /**
   * Reads a file.
   *
   * @throws DataFailure if it cannot be read, is empty, or a line is neither JSON nor CSV
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

  /** Number of records. */
  public int size() {
    return rows.size();
  }

  /**
   * The records as examples of a kind.
   *
   * @param kind such as {@code Example.Labelled::of}
   * @throws DataFailure.BadLine if one is not of that kind
   */
  public <E extends Example> List<E> examples(Function<DataRow, E> kind) {
    return rows.stream().map(kind).toList();
  }
}
