package dev.banyan.runtime.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** One JSON object a line. */
final class JsonLines {
  private static final ObjectReader READER =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build()
          .readerFor(JsonNode.class);

  private JsonLines() {}

  static List<DataRow> read(Path file, String text) {
    List<DataRow> rows = new ArrayList<>();
    long number = 0;
    for (String line : (Iterable<String>) text.lines()::iterator) {
      number++;
      if (!line.isBlank()) {
        rows.add(new DataRow(file, number, object(file, number, line)));
      }
    }
    return rows;
  }

  private static ObjectNode object(Path file, long number, String line) {
    try {
      if (READER.readValue(line) instanceof ObjectNode object) {
        return object;
      }
    } catch (JsonProcessingException e) {
      throw new DataFailure.BadLine(
          file,
          number,
          "this is not JSON (" + e.getOriginalMessage().lines().findFirst().orElse("") + ")");
    }
    throw new DataFailure.BadLine(
        file, number, "this is not a JSON object; expected {\"text\": \"..\", \"label\": \"..\"}");
  }
}
