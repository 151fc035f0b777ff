package dev.banyan.artifacts.integrity;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * JSON as Banyan's files use it: UTF-8, snake_case, no key twice, no missing value taken for a
 * default, two spaces of indent and a line feed, so that equal contents are equal bytes.
 */
public final class JsonText {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .build();

  private JsonText() {}

  /**
   * Reads one JSON object.
   *
   * @param artifact the file's name for the message
   * @throws CorruptArtifact if the bytes are anything else
   */
  public static ObjectNode parse(String artifact, byte[] bytes) {
    try {
      JsonNode node = MAPPER.readTree(decode(bytes));
      if (node instanceof ObjectNode object) {
        return object;
      }
      throw new CorruptArtifact(
          artifact, "JSON of the kind " + node.getNodeType(), "a JSON object");
    } catch (CharacterCodingException e) {
      throw new CorruptArtifact(artifact, "bytes that are not UTF-8", "JSON in UTF-8");
    } catch (JacksonException e) {
      throw new CorruptArtifact(artifact, "no JSON: " + firstLine(e), "a JSON object");
    }
  }

  /**
   * Makes a record of a JSON object.
   *
   * @param artifact the file's name for the message
   * @throws CorruptArtifact if a key is missing, unknown or of the wrong kind
   */
  public static <T> T as(Class<T> type, String artifact, ObjectNode object) {
    try {
      return MAPPER.treeToValue(object, type);
    } catch (JacksonException e) {
      throw new CorruptArtifact(artifact, firstLine(e), "the keys of the format");
    }
  }

  /** The JSON object of a record. */
  public static ObjectNode object(Object value) {
    return MAPPER.valueToTree(value);
  }

  /** An empty JSON object. */
  public static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /** The bytes of a JSON file. */
  public static byte[] bytes(ObjectNode object) {
    DefaultIndenter indenter = new DefaultIndenter("  ", "\n");
    DefaultPrettyPrinter printer = new DefaultPrettyPrinter();
    printer.indentObjectsWith(indenter);
    printer.indentArraysWith(indenter);
    try {
      String text = MAPPER.writer(printer).writeValueAsString(object) + "\n";
      return text.getBytes(StandardCharsets.UTF_8);
    } catch (JacksonException e) {
      throw new IllegalStateException("A JSON tree can always be written", e);
    }
  }

  /** The bytes on one line, as binary headers want them. */
  public static byte[] compact(ObjectNode object) {
    return object.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static String decode(byte[] bytes) throws CharacterCodingException {
    return StandardCharsets.UTF_8.newDecoder().decode(java.nio.ByteBuffer.wrap(bytes)).toString();
  }

  private static String firstLine(JacksonException e) {
    return e.getOriginalMessage().lines().findFirst().orElse("unreadable");
  }
}
