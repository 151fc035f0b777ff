package dev.banyan.runtime.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvParser;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** CSV with a header; fields may be quoted and then hold commas, quotes and line breaks. */
final class CsvRows {
  private static final ObjectReader READER =
      new CsvMapper()
          .enable(CsvParser.Feature.SKIP_EMPTY_LINES)
          .enable(CsvParser.Feature.FAIL_ON_MISSING_COLUMNS)
          .readerForMapOf(String.class)
          .with(CsvSchema.emptySchema().withHeader());

  private CsvRows() {}

  static List<Example> read(Path file, String text) {
    List<Example> examples = new ArrayList<>();
    long line = 1;
    try (MappingIterator<Map<String, String>> rows = READER.readValues(text)) {
      checkHeader(file, rows);
      line = rows.getCurrentLocation().getLineNr();
      while (rows.hasNextValue()) {
        examples.add(example(rows.nextValue(), line));
        line = rows.getCurrentLocation().getLineNr();
      }
    } catch (JsonProcessingException e) {
      throw new DataFailure.BadLine(
          file, line, "this row is not CSV of the header's columns (" + reason(e) + ")");
    } catch (IOException e) {
      throw new DataFailure.Unreadable(file, String.valueOf(e.getMessage()), e);
    }
    return examples;
  }

  private static void checkHeader(Path file, MappingIterator<Map<String, String>> rows)
      throws IOException {
    // The header is read with the first row.
    boolean _ = rows.hasNextValue();
    CsvSchema schema = (CsvSchema) rows.getParserSchema();
    if (schema.column("text") == null) {
      throw new DataFailure.BadLine(
          file,
          1,
          "the header names the columns %s; expected one named text"
              .formatted(schema.getColumnNames()));
    }
  }

  private static Example example(Map<String, String> row, long line) {
    return new Example(
        String.valueOf(row.get("text")),
        present(row.get("text_pair")),
        present(row.get("label")),
        line);
  }

  private static Optional<String> present(@Nullable String field) {
    return Optional.ofNullable(field).filter(value -> !value.isEmpty());
  }

  private static String reason(JsonProcessingException e) {
    return e.getOriginalMessage().lines().findFirst().orElse("");
  }
}
