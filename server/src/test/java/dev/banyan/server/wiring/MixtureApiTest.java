package dev.banyan.server.wiring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.server.wiring.HttpProbe.Reply;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Requests that name several adapters by weight, over a real port. */
@Timeout(60)
class MixtureApiTest {
  @TempDir private Path adapters;
  private final StampModel model = new StampModel();
  private RunningServer server;
  private HttpProbe http;

  @BeforeEach
  void start() throws IOException {
    StampModel.write(adapters.resolve("acme/intent"), 2, "buy", "sell");
    StampModel.write(adapters.resolve("zoo/animals"), 4, "cat", "dog");
    StampModel.write(adapters.resolve("zoo/heavy"), 5000, "elephant");
    server = Wiring.start(ServerConfig.of(adapters, adapters).withPort(0), () -> model);
    http = new HttpProbe(server);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static JsonObject body(String adapters) {
    return new JsonObject().put("adapters", new JsonArray(adapters)).put("input", "abc");
  }

  @Test
  void aTextGetsWhatEachAdapterAddsByItsWeight() {
    String parts =
        """
        [{"id": "zoo/animals", "weight": 0.5}, {"id": "acme/intent", "weight": 3}]
        """;
    Reply embedded = http.post("/v1/embeddings", body(parts));
    assertThat(embedded.status()).as(embedded.text()).isEqualTo(200);
    assertThat(embedded.data(0).getJsonArray("embedding")).isEqualTo(new JsonArray("[8.0,3.0]"));

    Reply classified = http.post("/v1/classify", body(parts).put("head", "zoo/animals"));
    assertThat(classified.status()).as(classified.text()).isEqualTo(200);
    assertThat(classified.data(0).getString("label")).isEqualTo("sell");
    assertThat(classified.json().getString("model"))
        .isEqualTo("acme/intent*3.0 + zoo/animals*0.5, head zoo/animals");
    assertThat(classified.json().getString("digest")).startsWith("sha256:");
  }

  @Test
  void aMixtureIsFormedOnceAndListedNowhere() {
    String parts =
        """
        [{"id": "acme/intent", "weight": 1}, {"id": "zoo/animals", "weight": 1}]
        """;
    for (int i = 0; i < 3; i++) {
      assertThat(http.post("/v1/classify", body(parts)).status()).isEqualTo(200);
    }
    assertThat(model.mixed()).isEqualTo(1);
    assertThat(http.get("/v1/models").data()).hasSize(4);
    assertThat(http.get("/metrics").text())
        .contains("model=\"mixture\",operation=\"classify\",outcome=\"ok\"} 3")
        .contains("banyan_mixtures_used 1.0");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"input": "x"}                                                                        | 400 | either 'model', or 'adapters'
          {"input": "x", "model": "acme/intent", "adapters": [{"id": "acme/intent", "weight": 1}]} | 400 | either 'model', or 'adapters'
          {"input": "x", "model": "acme/intent", "head": "mean"}                                | 400 | 'head' is for 'adapters'
          {"input": "x", "adapters": []}                                                        | 400 | ''
          {"input": "x", "adapters": [{"id": "acme/intent"}]}                                   | 400 | ''
          {"input": "x", "adapters": [{"id": "acme/intent", "weight": "much"}]}                 | 400 | ''
          {"input": "x", "adapters": [{"id": "intent", "weight": 1}]}                           | 400 | 'intent' is no adapter name
          {"input": "x", "adapters": [{"id": "a/b", "weight": 1}, {"id": "a/b", "weight": 2}]}  | 400 | 'a/b' is named twice
          {"input": "x", "adapters": [{"id": "acme/intent", "weight": 1}], "head": "a/b"}       | 400 | 'head' is 'a/b'
          {"input": "x", "adapters": [{"id": "acme/none", "weight": 1}]}                        | 404 | acme/none
          {"input": "x", "adapters": [{"id": "zoo/heavy", "weight": 1}]}                        | 422 | 'zoo/heavy*1.0' cannot be mixed: the stamps are too heavy
          """)
  void whatCannotBeMixedIsRefusedWithItsReason(String body, int status, String detail) {
    Reply reply = http.post("/v1/classify", body);
    assertThat(reply.status()).as(reply.text()).isEqualTo(status);
    assertThat(reply.json().getString("detail")).contains(detail).isNotBlank();
  }
}
