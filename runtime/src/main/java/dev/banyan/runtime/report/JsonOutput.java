package dev.banyan.runtime.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.MathContext;

/** The one JSON object that a command with {@code --json} prints. */
public final class JsonOutput {
  private static final JsonMapper MAPPER = new JsonMapper();

  private JsonOutput() {}

  /** An empty object, whose keys keep the order in which they are put. */
  public static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /** The object on one line. */
  public static String text(ObjectNode object) {
    try {
      return MAPPER.writeValueAsString(object);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A tree of plain values is always JSON", e);
    }
  }

  /** A figure with so many significant digits: more would only look exact. */
  public static double round(double value, int digits) {
    return Double.isFinite(value)
        ? new BigDecimal(value).round(new MathContext(digits)).doubleValue()
        : value;
  }
}
