package dev.banyan.artifacts.integrity;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The keys of a JSON object, each of which must be there and of its kind. Every method throws
 * {@link CorruptArtifact}, naming the key, where it is not.
 *
 * @param artifact the file's name for messages
 * @param json the object
 */
public record JsonFields(String artifact, ObjectNode json) {
  /** The names of all keys, in the file's order. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    json.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** A text. */
  public String text(String key) {
    return text(key, json.path(key));
  }

  private String text(String key, JsonNode node) {
    if (!node.isTextual()) {
      throw unlike(key, node, "a text");
    }
    return node.textValue();
  }

  /** A text with a meaning, which the function refuses by {@link IllegalArgumentException}. */
  public <T> T parsed(String key, Function<String, T> meaning) {
    try {
      return meaning.apply(text(key));
    } catch (IllegalArgumentException e) {
      throw new CorruptArtifact(
          artifact, "\"%s\": %s".formatted(key, e.getMessage()), "a value of the format");
    }
  }

  /** A whole number of 64 bits. */
  public long number(String key) {
    JsonNode node = json.path(key);
    if (!node.isIntegralNumber() || !node.canConvertToLong()) {
      throw unlike(key, node, "a whole number");
    }
    return node.longValue();
  }

  /** A whole number of 32 bits. */
  public int integer(String key) {
    long number = number(key);
    if (number != (int) number) {
      throw unlike(key, json.path(key), "a smaller number");
    }
    return (int) number;
  }

  /** A number. */
  public double real(String key) {
    JsonNode node = json.path(key);
    if (!node.isNumber()) {
      throw unlike(key, node, "a number");
    }
    return node.doubleValue();
  }

  /** True or false. */
  public boolean flag(String key) {
    JsonNode node = json.path(key);
    if (!node.isBoolean()) {
      throw unlike(key, node, "true or false");
    }
    return node.booleanValue();
  }

  /** An object. */
  public JsonFields object(String key) {
    return object(key, json.path(key));
  }

  private JsonFields object(String key, JsonNode node) {
    if (node instanceof ObjectNode object) {
      return new JsonFields(artifact, object);
    }
    throw unlike(key, node, "an object");
  }

  /** A list of texts. */
  public List<String> texts(String key) {
    List<String> texts = new ArrayList<>();
    for (JsonNode node : list(key)) {
      texts.add(text(key, node));
    }
    return texts;
  }

  /** A list of objects. */
  public List<JsonFields> objects(String key) {
    List<JsonFields> objects = new ArrayList<>();
    for (JsonNode node : list(key)) {
      objects.add(object(key, node));
    }
    return objects;
  }

  private JsonNode list(String key) {
    JsonNode node = json.path(key);
    if (!node.isArray()) {
      throw unlike(key, node, "a list");
    }
    return node;
  }

  private CorruptArtifact unlike(String key, JsonNode seen, String expected) {
    String value = "\"%s\" = %s".formatted(key, seen);
    return new CorruptArtifact(
        artifact, seen.isMissingNode() ? "no \"" + key + "\"" : value, expected);
  }
}
