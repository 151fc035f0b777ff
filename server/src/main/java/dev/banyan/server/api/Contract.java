package dev.banyan.server.api;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.openapi.contract.OpenAPIContract;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** Reads {@code openapi.yaml}, which says what requests and answers look like. */
public final class Contract {
  private static final String PROBLEM = "application/problem+json";

  private Contract() {}

  /** The contract of this server. */
  public static Future<OpenAPIContract> load(Vertx vertx) {
    try (InputStream yaml = Contract.class.getResourceAsStream("/openapi.yaml")) {
      Map<String, Object> document = new Yaml(new SafeConstructor(new LoaderOptions())).load(yaml);
      return OpenAPIContract.from(vertx, withPlainProblems(new JsonObject(document)));
    } catch (IOException e) {
      throw new UncheckedIOException("openapi.yaml cannot be read", e);
    }
  }

  /**
   * The same with problems as plain JSON: vertx-openapi 5.0 refuses a contract that names a media
   * type it does not know, and RFC 9457's is one of them.
   */
  private static JsonObject withPlainProblems(JsonObject node) {
    JsonObject result = new JsonObject();
    node.forEach(
        entry -> {
          String key = entry.getKey().equals(PROBLEM) ? "application/json" : entry.getKey();
          result.put(key, withPlainProblems(entry.getValue()));
        });
    return result;
  }

  private static Object withPlainProblems(Object value) {
    return switch (value) {
      case JsonObject object -> withPlainProblems(object);
      case JsonArray array -> {
        JsonArray result = new JsonArray();
        array.forEach(element -> result.add(withPlainProblems(element)));
        yield result;
      }
      default -> value;
    };
  }
}
