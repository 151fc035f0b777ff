package dev.banyan.server.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.server.api.Contract;
import dev.banyan.server.wiring.HttpProbe.Reply;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.openapi.contract.OpenAPIContract;
import io.vertx.openapi.validation.ResponseValidator;
import io.vertx.openapi.validation.ValidatableResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every endpoint over a real port; every answer is checked against {@code openapi.yaml}. */
@Timeout(60)
class ApiTest {
  private static Vertx vertx;
  private static ResponseValidator validator;

  @TempDir private Path adapters;
  private final StampModel model = new StampModel();
  private RunningServer server;
  private HttpProbe http;

  @BeforeAll
  static void contract() {
    vertx = Vertx.vertx();
    OpenAPIContract contract =
        Contract.load(vertx).toCompletionStage().toCompletableFuture().join();
    validator = ResponseValidator.create(vertx, contract);
  }

  @AfterAll
  static void end() {
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }

  @BeforeEach
  void start() throws IOException {
    StampModel.write(adapters.resolve("acme/intent"), 3, "buy", "sell", "hold");
    StampModel.write(adapters.resolve("zoo/animals"), 1, "cat", "dog");
    StampModel.write(adapters.resolve("zoo/vectors"), 7);
    Files.createDirectories(adapters.resolve("zoo/broken"));
    Files.writeString(adapters.resolve("zoo/broken/adapter_config.json"), "{}");
    server = Wiring.start(ServerConfig.of(adapters, adapters).withPort(0), () -> model);
    http = new HttpProbe(server);
  }

  @AfterEach
  void stop() {
    server.close();
    assertThat(model.isClosed()).isTrue();
  }

  private static Reply fits(String operation, Reply reply) {
    // The contract as the router knows it calls problems plain JSON, see Contract.
    String type = reply.type().replace("problem+", "").replaceFirst(";.*", "");
    validator
        .validate(
            ValidatableResponse.create(reply.status(), Buffer.buffer(reply.text()), type),
            operation)
        .toCompletionStage()
        .toCompletableFuture()
        .join();
    return reply;
  }

  private static void isProblem(Reply reply, int status, String detail) {
    assertThat(reply.status()).as(reply.text()).isEqualTo(status);
    assertThat(reply.type()).isEqualTo("application/problem+json");
    assertThat(reply.json().getInteger("status")).isEqualTo(status);
    assertThat(reply.json().getString("type")).startsWith("urn:banyan:problem:");
    assertThat(reply.json().getString("detail")).contains(detail);
  }

  @Test
  void classifyGivesLabelsAndScoresPerInput() {
    Reply reply = fits("classify", http.classify("acme/intent", "abcd", "ab"));

    assertThat(reply.status()).as(reply.text()).isEqualTo(200);
    assertThat(reply.json().getString("model")).isEqualTo("acme/intent");
    assertThat(reply.data()).hasSize(2);
    JsonObject second = reply.data(1);
    assertThat(second.getInteger("index")).isEqualTo(1);
    assertThat(second.getString("label")).isEqualTo("hold");
    // softmax of (0, 0, 3); a float carries about 7 digits.
    double top = Math.exp(3) / (Math.exp(3) + 2);
    assertThat(second.getDouble("score")).isCloseTo(top, within(1e-6));
    JsonArray scores = second.getJsonArray("scores");
    assertThat(scores.getJsonObject(0).getString("label")).isEqualTo("hold");
    assertThat(scores.stream().mapToDouble(s -> ((JsonObject) s).getDouble("score")).sum())
        .isCloseTo(1, within(1e-6));
    assertThat(reply.json().getJsonObject("usage").getInteger("total_tokens")).isEqualTo(6);
  }

  @Test
  void oneTextNeedsNoArray() {
    JsonObject body = new JsonObject().put("model", "zoo/animals").put("input", "abc");

    Reply reply = fits("classify", http.post("/v1/classify", body));

    assertThat(reply.data()).hasSize(1);
    assertThat(reply.data(0).getString("label")).isEqualTo("dog");
  }

  @Test
  void embeddingsComeFromTheBaseOrAnAdapter() {
    Reply base = fits("embed", http.post("/v1/embeddings", HttpProbe.query("stamps", "abc")));
    Reply adapter =
        fits("embed", http.post("/v1/embeddings", HttpProbe.query("zoo/vectors", "abc")));

    assertThat(base.data(0).getJsonArray("embedding")).isEqualTo(new JsonArray("[0.0,3.0]"));
    assertThat(adapter.data(0).getJsonArray("embedding")).isEqualTo(new JsonArray("[7.0,3.0]"));
    assertThat(base.json().getJsonObject("usage").getInteger("prompt_tokens")).isEqualTo(3);
  }

  @Test
  void embeddingsCanBeBase64OfLittleEndianFloats() {
    JsonObject body = HttpProbe.query("acme/intent", "abcde").put("encoding_format", "base64");

    Reply reply = fits("embed", http.post("/v1/embeddings", body));

    byte[] bytes = Base64.getDecoder().decode(reply.data(0).getString("embedding"));
    ByteBuffer floats = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(List.of(floats.getFloat(), floats.getFloat())).containsExactly(3f, 5f);
  }

  @Test
  void modelsListsTheBaseAndEveryAdapterWithItsState() {
    http.classify("acme/intent", "loaded by now");
    http.classify("zoo/broken", "tried by now");

    Reply reply = fits("listModels", http.get("/v1/models"));

    assertThat(reply.data())
        .extracting(m -> m.getString("id"))
        .containsExactly("stamps", "acme/intent", "zoo/animals", "zoo/broken", "zoo/vectors");
    JsonObject intent = reply.data(1);
    assertThat(intent.getString("parent")).isEqualTo("stamps");
    assertThat(intent.getString("owned_by")).isEqualTo("acme");
    assertThat(intent.getString("state")).isEqualTo("ready");
    assertThat(intent.getString("digest")).startsWith("sha256:");
    assertThat(intent.getJsonArray("labels"))
        .isEqualTo(new JsonArray(List.of("buy", "sell", "hold")));
    JsonObject broken = reply.data(3);
    assertThat(broken.getString("state")).isEqualTo("failed");
    assertThat(broken.getString("reason")).isEqualTo("the adapter has no stamp");
  }

  @Test
  void anUnknownAdapterIsNotFoundAndNeverAnsweredByTheBase() {
    isProblem(fits("classify", http.classify("acme/none", "x")), 404, "acme/none");
    isProblem(fits("classify", http.classify("none", "x")), 404, "none");
    isProblem(fits("embed", http.post("/v1/embeddings", HttpProbe.query("a/b", "x"))), 404, "a/b");
    isProblem(http.classify("../acme/intent", "x"), 404, "../acme/intent");
    assertThat(model.batches()).isEmpty();
  }

  @Test
  void aBrokenAdapterIsAConflictThatSaysWhy() {
    isProblem(fits("classify", http.classify("zoo/broken", "x")), 409, "no stamp");
  }

  @Test
  void classifyNeedsLabels() {
    isProblem(http.classify("stamps", "x"), 400, "has no labels");
    isProblem(http.classify("zoo/vectors", "x"), 400, "has no labels");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "not json",
        "[]",
        "{}",
        "{\"model\":\"acme/intent\"}",
        "{\"input\":[\"x\"]}",
        "{\"model\":\"acme/intent\",\"input\":[]}",
        "{\"model\":\"acme/intent\",\"input\":\"\"}",
        "{\"model\":\"acme/intent\",\"input\":[1]}",
        "{\"model\":\"acme/intent\",\"input\":5}",
        "{\"model\":7,\"input\":\"x\"}",
        "{\"model\":\"acme/intent\",\"input\":\"x\",\"temperature\":1}"
      })
  void badInputIsRefused(String body) {
    Reply reply = http.post("/v1/classify", body);

    isProblem(reply, 400, "");
    assertThat(reply.json().getString("detail")).isNotBlank().isNotEqualTo("Bad Request");
  }

  @Test
  void moreInputsThanAllowedAreRefused() {
    JsonArray inputs = new JsonArray(Collections.nCopies(257, "x"));

    isProblem(
        http.post(
            "/v1/classify", new JsonObject().put("model", "acme/intent").put("input", inputs)),
        400,
        "");
  }

  @Test
  void aPathOrMethodOutsideTheApiIsAProblem() {
    isProblem(http.get("/v2/classify"), 404, "GET /v2/classify");
    isProblem(http.get("/v1/classify"), 405, "GET /v1/classify");
  }

  @Test
  void anAdapterIsLoadedReplacedAndDeletedWhileTheServerRuns() throws IOException {
    StampModel.write(adapters.resolve("new/one"), 2, "a", "b");
    JsonObject load = new JsonObject().put("model", "new/one");

    assertThat(http.classify("new/one", "x").status()).isEqualTo(404);
    Reply first = fits("loadAdapter", http.post("/v1/adapters", load));
    assertThat(first.json().getBoolean("changed")).isTrue();
    Reply again = fits("loadAdapter", http.post("/v1/adapters", load));
    assertThat(again.json().getBoolean("changed")).isFalse();
    assertThat(again.json().getString("digest")).isEqualTo(first.json().getString("digest"));

    StampModel.write(adapters.resolve("staging/v2"), 5, "x", "y");
    Reply second =
        fits("loadAdapter", http.post("/v1/adapters", load.copy().put("path", "staging/v2")));
    assertThat(second.json().getJsonArray("labels")).isEqualTo(new JsonArray(List.of("x", "y")));
    Reply answer = http.classify("new/one", "x");
    assertThat(answer.json().getString("digest")).isEqualTo(second.json().getString("digest"));
    assertThat(answer.data(0).getString("label")).isEqualTo("y");

    assertThat(http.delete("/v1/adapters/new/one").status()).isEqualTo(204);
    isProblem(http.classify("new/one", "x"), 404, "new/one");
    isProblem(fits("deleteAdapter", http.delete("/v1/adapters/new/one")), 404, "new/one");
  }

  @Test
  void aLoadFromOutsideTheFolderIsRefused() {
    JsonObject load = new JsonObject().put("model", "acme/intent").put("path", "../secret");

    isProblem(fits("loadAdapter", http.post("/v1/adapters", load)), 400, "../secret");
    isProblem(
        http.post("/v1/adapters", new JsonObject().put("model", "no-tenant")), 400, "no-tenant");
    isProblem(
        http.post("/v1/adapters", new JsonObject().put("model", "acme/none")), 404, "acme/none");
  }

  @Test
  void aLoadThatFailsLeavesTheOldVersionAnswering() throws IOException {
    String before = http.classify("acme/intent", "x").json().getString("digest");
    Files.writeString(adapters.resolve("acme/intent/adapter_config.json"), "{\"labels\": []}");

    Reply reply = http.post("/v1/adapters", new JsonObject().put("model", "acme/intent"));

    isProblem(fits("loadAdapter", reply), 422, "no stamp");
    assertThat(http.classify("acme/intent", "x").json().getString("digest")).isEqualTo(before);
  }

  @Test
  void healthAndReadiness() {
    assertThat(fits("health", http.get("/healthz")).status()).isEqualTo(200);
    http.classify("zoo/vectors", "the last to be loaded at the start");
    http.classify("zoo/broken", "the last to be tried");
    assertThat(fits("ready", http.get("/readyz")).status()).isEqualTo(200);
  }

  @Test
  void metricsCountPerAdapterAndNeverByNamesThatClientsMakeUp() {
    http.classify("acme/intent", "a", "b", "c");
    http.classify("made/up", "x");

    Reply reply = http.get("/metrics");

    assertThat(reply.type()).startsWith("text/plain");
    assertThat(reply.text())
        .contains(
            "banyan_request_seconds_count{model=\"acme/intent\",operation=\"classify\",outcome=\"ok\"} 1")
        .contains("model=\"unknown\",operation=\"classify\",outcome=\"refused\"} 1")
        .contains("banyan_batch_rows_bucket")
        .contains("banyan_queue_rows")
        .contains("banyan_slots_used")
        .doesNotContain("made/up");
  }
}
