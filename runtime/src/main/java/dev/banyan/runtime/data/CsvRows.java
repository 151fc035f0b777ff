package dev.banyan.runtime.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvParser;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** CSV with a header; fields may be quoted and then hold commas, quotes and line breaks. */
final class CsvRows {
  private static final ObjectReader READER =
      new CsvMapper()
          .enable(CsvParser.Feature.SKIP_EMPTY_LINES)
          .enable(CsvParser.Feature.FAIL_ON_MISSING_COLUMNS)
          .readerForMapOf(String.class)
          .with(CsvSchema.emptySchema().withHeader());

  private CsvRows() {}

  static List<DataRow> read(Path file, String text) {
    List<DataRow> found = new ArrayList<>();
    long line = 1;
    try (MappingIterator<Map<String, String>> rows = READER.readValues(text)) {
      // The header is read with the first row.
      boolean more = rows.hasNextValue();
      line = rows.getCurrentLocation().getLineNr();
      while (more) {
        ObjectNode fields = JsonNodeFactory.instance.objectNode();
        rows.nextValue().forEach(fields::put);
        found.add(new DataRow(file, line, fields));
        line = rows.getCurrentLocation().getLineNr();
        more = rows.hasNextValue();
      }
    } catch (JsonProcessingException e) {
      throw new DataFailure.BadLine(
          file, line, "this row is not CSV of the header's columns (" + reason(e) + ")");
    } catch (IOException e) {
      throw new DataFailure.Unreadable(file, String.valueOf(e.getMessage()), e);
    }
    return found;
  }

  private static String reason(JsonProcessingException e) {
    return e.getOriginalMessage().lines().findFirst().orElse("");
  }
}
