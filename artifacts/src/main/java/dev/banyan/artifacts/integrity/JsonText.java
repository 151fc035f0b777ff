package dev.banyan.artifacts.integrity;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * JSON as Banyan's files use it: UTF-8, no key twice, nothing after the end, two spaces of indent
 * and a line feed, so that equal contents are equal bytes.
 */
public final class JsonText {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
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

  /** The object on one line, as programs print it. */
  public static String line(ObjectNode object) {
    return object.toString();
  }

  /** The bytes on one line, as binary headers want them. */
  public static byte[] compact(ObjectNode object) {
    return line(object).getBytes(StandardCharsets.UTF_8);
  }

  private static String decode(byte[] bytes) throws CharacterCodingException {
    return StandardCharsets.UTF_8.newDecoder().decode(java.nio.ByteBuffer.wrap(bytes)).toString();
  }

  private static String firstLine(JacksonException e) {
    return e.getOriginalMessage().lines().findFirst().orElse("unreadable");
  }
}
