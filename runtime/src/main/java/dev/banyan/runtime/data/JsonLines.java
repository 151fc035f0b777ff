package dev.banyan.runtime.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One JSON object a line. */
final class JsonLines {
  private static final ObjectReader READER =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build()
          .readerFor(JsonNode.class);

  private JsonLines() {}

  static List<Example> read(Path file, String text) {
    List<Example> examples = new ArrayList<>();
    long number = 0;
    for (String line : (Iterable<String>) text.lines()::iterator) {
      number++;
      if (!line.isBlank()) {
        examples.add(example(file, number, line));
      }
    }
    return examples;
  }

  private static Example example(Path file, long number, String line) {
    JsonNode row = parse(file, number, line);
    if (!row.isObject()) {
      throw new DataFailure.BadLine(
          file,
          number,
          "this is not a JSON object; expected {\"text\": \"..\", \"label\": \"..\"}");
    }
    Optional<String> content = string(file, number, row, "text");
    return new Example(
        content.orElseThrow(
            () -> new DataFailure.BadLine(file, number, "the key \"text\" is missing")),
        string(file, number, row, "text_pair"),
        label(file, number, row),
        number);
  }

  private static JsonNode parse(Path file, long number, String line) {
    try {
      return READER.readValue(line);
    } catch (JsonProcessingException e) {
      throw new DataFailure.BadLine(
          file,
          number,
          "this is not JSON (" + e.getOriginalMessage().lines().findFirst().orElse("") + ")");
    }
  }

  private static Optional<String> string(Path file, long number, JsonNode row, String key) {
    JsonNode value = row.get(key);
    if (value == null || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isTextual()) {
      throw new DataFailure.BadLine(file, number, "\"%s\" is not a string".formatted(key));
    }
    return Optional.of(value.textValue());
  }

  /** Data sets in the wild number their labels as often as they name them. */
  private static Optional<String> label(Path file, long number, JsonNode row) {
    JsonNode value = row.get("label");
    return value != null && value.isIntegralNumber()
        ? Optional.of(value.asText())
        : string(file, number, row, "label");
  }
}
