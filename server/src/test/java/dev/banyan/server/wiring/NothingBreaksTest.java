package dev.banyan.server.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.server.batch.Admission;
import dev.banyan.server.wiring.HttpProbe.Reply;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What clients and operators do wrong: a clear refusal, and nobody else notices. */
@Timeout(60)
class NothingBreaksTest {
  // Of a length that no other text has, so that it can be told apart in a batch.
  private static final String GONE = "disconnected";

  @TempDir private Path adapters;
  private final StampModel model = new StampModel();
  private RunningServer server;
  private HttpProbe http;

  @BeforeEach
  void start() throws IOException {
    StampModel.write(adapters.resolve("acme/intent"), 3, "buy", "sell");
    StampModel.write(adapters.resolve("zoo/animals"), 1, "cat", "dog");
    server =
        Wiring.start(
            ServerConfig.of(adapters, adapters).withPort(0).withLimits(new Admission.Limits(8, 4)),
            () -> model);
    http = new HttpProbe(server);
  }

  @AfterEach
  void stop() {
    model.release();
    server.close();
  }

  private void others() {
    assertThat(http.classify("zoo/animals", "x").status()).isEqualTo(200);
  }

  @Test
  void aBodyOfTenMegabytesIsTooLarge() {
    String body = HttpProbe.query("acme/intent", "x".repeat(10 << 20)).encode();

    Reply reply = http.post("/v1/classify", body);

    assertThat(reply.status()).isEqualTo(413);
    assertThat(reply.type()).isEqualTo("application/problem+json");
    assertThat(reply.json().getString("detail")).contains("exceeds");
    others();
  }

  @Test
  void overloadIsRefusedWithTheTimeToTryAgain() throws InterruptedException {
    model.hold();
    CompletableFuture<Reply> waiting = http.classifyAsync("acme/intent", "a", "b", "c", "d");
    model.awaitRuns(1);

    Reply refused = http.classify("acme/intent", "one more");

    assertThat(refused.status()).isEqualTo(429);
    assertThat(refused.type()).isEqualTo("application/problem+json");
    assertThat(Integer.parseInt(refused.retryAfter())).isPositive();
    CompletableFuture<Reply> other = http.classifyAsync("zoo/animals", "x");
    model.release();
    assertThat(other.join().status()).isEqualTo(200);
    assertThat(waiting.join().status()).isEqualTo(200);
    assertThat(http.classify("acme/intent", "a").status()).isEqualTo(200);
  }

  @Test
  void rowsOfADisconnectingClientAreNotRunAndItsSlotIsFreed()
      throws IOException, InterruptedException {
    model.hold();
    CompletableFuture<Reply> first = http.classifyAsync("zoo/animals", "first");
    model.awaitRuns(1);
    byte[] body = HttpProbe.query("acme/intent", GONE).encode().getBytes(StandardCharsets.UTF_8);
    URI url = URI.create(server.url());
    try (Socket socket = new Socket(url.getHost(), url.getPort())) {
      String head =
          "POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
              .formatted(body.length);
      socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      socket.getOutputStream().write(body);
      awaitMetric("banyan_queue_rows 2");
    }
    // Deleting waits for nothing; the slot is free once the client's disconnection was seen.
    assertThat(http.delete("/v1/adapters/acme/intent").status()).isEqualTo(204);
    CompletableFuture<Reply> last = http.classifyAsync("zoo/animals", "last");
    model.release();

    assertThat(first.join().status()).isEqualTo(200);
    assertThat(last.join().status()).isEqualTo(200);
    awaitMetric("banyan_slots_used 1");
    assertThat(model.batches())
        .allSatisfy(
            batch -> assertThat(batch).noneMatch(row -> row.encoding().length() == GONE.length()));
    others();
  }

  private void awaitMetric(String line) {
    // Each look is a request of its own; the test's time limit ends a wait in vain.
    while (!http.get("/metrics").text().contains(line)) {
      Thread.onSpinWait();
    }
  }

  @Test
  void twoLoadsOfOneAdapterAtOnceGiveOneVersion() throws IOException {
    StampModel.write(adapters.resolve("acme/intent"), 9, "buy", "sell");
    JsonObject load = new JsonObject().put("model", "acme/intent");
    http.classify("acme/intent", "loaded before");

    CompletableFuture<Reply> one = http.postAsync("/v1/adapters", load);
    CompletableFuture<Reply> two = http.postAsync("/v1/adapters", load);

    assertThat(one.join().status()).isEqualTo(200);
    assertThat(two.join().status()).isEqualTo(200);
    assertThat(one.join().json().getString("digest"))
        .isEqualTo(two.join().json().getString("digest"));
    others();
  }

  @Test
  void anAdapterReplacedWhileRequestsFlowAnswersAsOneVersionEntirely() throws IOException {
    List<CompletableFuture<Reply>> answers = new ArrayList<>();
    List<String> digests = new ArrayList<>();
    for (int version = 1; version <= 20; version++) {
      StampModel.write(adapters.resolve("acme/intent"), version, "buy", "sell");
      CompletableFuture<Reply> load =
          http.postAsync("/v1/adapters", new JsonObject().put("model", "acme/intent"));
      while (!load.isDone()) {
        CompletableFuture<Reply> answer = http.classifyAsync("acme/intent", "a", "bb");
        answers.add(answer);
        assertThat(answer.join().status()).isEqualTo(200);
      }
      digests.add(load.join().json().getString("digest"));
    }

    for (CompletableFuture<Reply> answer : answers) {
      Reply reply = answer.join();
      assertThat(reply.data(0).getDouble("score")).isEqualTo(reply.data(1).getDouble("score"));
      int version = digests.indexOf(reply.json().getString("digest")) + 1;
      if (version > 0) {
        // softmax of (0, version), both as floats
        assertThat(reply.data(0).getFloat("score"))
            .isEqualTo((float) (1 / (1 + Math.exp(-version))));
      }
    }
    assertThat(digests).doesNotHaveDuplicates();
    assertThat(http.get("/metrics").text()).contains("banyan_slots_used 2");
  }

  @Test
  void shuttingDownFinishesRequestsInFlightAndRefusesNewOnes() throws InterruptedException {
    model.hold();
    CompletableFuture<Reply> inFlight = http.classifyAsync("acme/intent", "in flight");
    model.awaitRuns(1);
    Thread closing = Thread.ofVirtual().start(server::close);
    while (http.get("/readyz").status() == 200) {
      Thread.onSpinWait();
    }

    Reply refused = http.classify("acme/intent", "too late");

    assertThat(refused.status()).isEqualTo(503);
    assertThat(refused.type()).isEqualTo("application/problem+json");
    assertThat(http.get("/healthz").status()).isEqualTo(200);
    model.release();
    assertThat(inFlight.join().status()).isEqualTo(200);
    closing.join();
    assertThat(model.isClosed()).isTrue();
    assertThatThrownBy(() -> http.get("/healthz")).isInstanceOf(UncheckedIOException.class);
  }

  @Test
  void aPortThatIsTakenEndsTheStartAndFreesTheModel() {
    StampModel second = new StampModel();
    ServerConfig config = ServerConfig.of(adapters, adapters).withPort(server.port());

    assertThatThrownBy(() -> Wiring.start(config, () -> second))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("Choose another port");
    assertThat(second.isClosed()).isTrue();
    others();
  }
}
