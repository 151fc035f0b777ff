package dev.banyan.server.wiring;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Talks to a server as a client does, in the JDK's own HTTP. */
final class HttpProbe {
  private final String url;
  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(10))
          .build();

  HttpProbe(RunningServer server) {
    this.url = server.url();
  }

  /**
   * An answer.
   *
   * @param status HTTP status
   * @param type content type
   * @param retryAfter the header of that name; empty if there is none
   * @param text body
   */
  record Reply(int status, String type, String retryAfter, String text) {
    JsonObject json() {
      return new JsonObject(text);
    }

    JsonObject data(int index) {
      return json().getJsonArray("data").getJsonObject(index);
    }

    List<JsonObject> data() {
      return json().getJsonArray("data").stream().map(JsonObject.class::cast).toList();
    }

    private static Reply of(HttpResponse<String> response) {
      return new Reply(
          response.statusCode(),
          response.headers().firstValue("content-type").orElse(""),
          response.headers().firstValue("retry-after").orElse(""),
          response.body());
    }
  }

  Reply get(String path) {
    return send(request(path).GET().build());
  }

  Reply delete(String path) {
    return send(request(path).DELETE().build());
  }

  Reply post(String path, JsonObject body) {
    return post(path, body.encode());
  }

  Reply post(String path, String body) {
    return send(posting(path, body));
  }

  CompletableFuture<Reply> postAsync(String path, JsonObject body) {
    return client
        .sendAsync(posting(path, body.encode()), HttpResponse.BodyHandlers.ofString())
        .thenApply(Reply::of);
  }

  Reply classify(String model, String... texts) {
    return post("/v1/classify", query(model, texts));
  }

  CompletableFuture<Reply> classifyAsync(String model, String... texts) {
    return postAsync("/v1/classify", query(model, texts));
  }

  static JsonObject query(String model, String... texts) {
    return new JsonObject().put("model", model).put("input", new JsonArray(List.of(texts)));
  }

  private HttpRequest posting(String path, String body) {
    return request(path)
        .header("content-type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(url + path)).timeout(Duration.ofSeconds(20));
  }

  private Reply send(HttpRequest request) {
    try {
      return Reply.of(client.send(request, HttpResponse.BodyHandlers.ofString()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
