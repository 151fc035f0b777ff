package dev.banyan.runtime.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One record of a file before it is known what it is for. Every method that finds a key missing or
 * of another kind throws {@link DataFailure.BadLine}, which names the line, the key, what was seen
 * and what was expected.
 *
 * @param file where it comes from
 * @param line the line it starts on, from 1
 * @param fields its keys; those of CSV are all texts
 */
public record DataRow(Path file, long line, ObjectNode fields) {
  /** A text, which may be empty. */
  public String text(String key) {
    JsonNode value = fields.path(key);
    if (value.isMissingNode() || value.isNull()) {
      throw missing("\"" + key + "\"");
    }
    return text(key, value);
  }

  private String text(String key, JsonNode value) {
    if (!value.isTextual()) {
      throw bad("\"%s\" is not a string but %s".formatted(key, shown(value)));
    }
    return value.textValue();
  }

  /** A text under one of two names. */
  public String either(String key, String other) {
    if (fields.hasNonNull(key)) {
      return text(key);
    }
    if (fields.hasNonNull(other)) {
      return text(other);
    }
    throw missing("\"%s\" (or \"%s\")".formatted(key, other));
  }

  /** A text that is neither missing nor empty. */
  public Optional<String> optional(String key) {
    return fields.hasNonNull(key)
        ? Optional.of(text(key)).filter(text -> !text.isEmpty())
        : Optional.empty();
  }

  /** {@code text} and, where there is one, {@code text_pair}. */
  public Text content() {
    return new Text(text("text"), optional("text_pair"));
  }

  /** A label's name, or its number as text: data sets number their labels as often. */
  public String label(String key) {
    JsonNode value = fields.path(key);
    if (isAbsent(value)) {
      throw missing("\"" + key + "\"");
    }
    return label(key, value);
  }

  private String label(String key, JsonNode value) {
    if (value.isIntegralNumber()) {
      return value.asText();
    }
    return text(key, value);
  }

  /** A list of labels, each as {@link #label} reads it. */
  public List<String> labels(String key) {
    List<String> labels = new ArrayList<>();
    for (JsonNode value : list(key)) {
      labels.add(label(key + "[" + labels.size() + "]", value));
    }
    return labels;
  }

  /** A list of texts, none of them blank. */
  public List<String> texts(String key) {
    List<String> texts = new ArrayList<>();
    for (JsonNode value : list(key)) {
      String place = key + "[" + texts.size() + "]";
      String text = text(place, value);
      if (text.isBlank()) {
        throw bad("\"%s\" is blank; expected a word".formatted(place));
      }
      texts.add(text);
    }
    return texts;
  }

  /** A list of objects, as rows of the same line. */
  public List<DataRow> objects(String key) {
    List<DataRow> objects = new ArrayList<>();
    for (JsonNode value : list(key)) {
      if (!(value instanceof ObjectNode object)) {
        throw bad(
            "\"%s[%d]\" is not an object but %s".formatted(key, objects.size(), shown(value)));
      }
      objects.add(new DataRow(file, line, object));
    }
    return objects;
  }

  private JsonNode list(String key) {
    JsonNode value = fields.path(key);
    if (value.isMissingNode() || value.isNull()) {
      throw missing("\"" + key + "\"");
    }
    if (!value.isArray()) {
      throw bad(
          "\"%s\" is %s; expected a list, which JSON lines can hold: {\"%s\": [\"..\", \"..\"]}"
              .formatted(key, shown(value), key));
    }
    return value;
  }

  /** A finite number, or a text that is one. */
  public double number(String key) {
    JsonNode value = fields.path(key);
    if (isAbsent(value)) {
      throw missing("\"" + key + "\"");
    }
    double number = value.isNumber() ? value.doubleValue() : parsed(value);
    if (!Double.isFinite(number)) {
      throw bad("\"%s\" is %s; expected a number".formatted(key, shown(value)));
    }
    return number;
  }

  /** CSV has no other way to leave a field out. */
  private static boolean isAbsent(JsonNode value) {
    return value.isMissingNode()
        || value.isNull()
        || (value.isTextual() && value.textValue().isEmpty());
  }

  private static double parsed(JsonNode value) {
    try {
      return value.isTextual() ? Double.parseDouble(value.textValue().strip()) : Double.NaN;
    } catch (NumberFormatException notOne) {
      return Double.NaN;
    }
  }

  private DataFailure.BadLine missing(String keys) {
    List<String> seen = new ArrayList<>();
    fields.fieldNames().forEachRemaining(seen::add);
    return bad("the key %s is missing; there are %s".formatted(keys, seen));
  }

  private static String shown(JsonNode value) {
    String text = value.toString();
    return text.length() <= 60 ? text : text.substring(0, 57) + "...";
  }

  /** A failure of this record. */
  public DataFailure.BadLine bad(String problem) {
    return new DataFailure.BadLine(file, line, problem);
  }
}
