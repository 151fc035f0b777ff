package dev.banyan.server.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.combine.AdapterCombination;
import dev.banyan.artifacts.combine.CombinationRecipe;
import dev.banyan.artifacts.combine.CombinationType;
import dev.banyan.artifacts.combine.HeadChoice;
import dev.banyan.artifacts.combine.WeightedAdapter;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.server.wiring.HttpProbe.Reply;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The server on all-MiniLM-L6-v2 in ONNX Runtime, with adapters that are right and wrong. */
@Timeout(120)
class RealBundleTest {
  private static final String[] TEXTS = {
    "Where is my parcel?", "I would like to cancel the order that I placed last night.", "thanks"
  };

  @TempDir private static Path temp;
  private static Path adapters;
  private static BundleManifest manifest;
  private static RunningServer server;
  private static HttpProbe http;

  @BeforeAll
  static void start() throws IOException {
    Path bundle = temp.resolve("bundle");
    GraphTools.prepare(
        new PrepareRequest(
            resource("all-minilm-l6-v2.onnx"),
            resource("all-minilm-l6-v2-tokenizer.json"),
            Task.TEXT_CLASSIFICATION,
            PrepareRequest.SiteChoice.of("query,value"),
            Pooling.MEAN,
            OptionalInt.of(64),
            bundle));
    manifest = Bundle.open(bundle).manifest();
    adapters = Files.createDirectories(temp.resolve("adapters"));
    for (int i = 0; i < 8; i++) {
      adapter(i).write(manifest, adapters.resolve("tenant-" + i % 3 + "/a" + i));
    }
    adapter(100).writeWithNaN(manifest, adapters.resolve("bad/at-the-start"));
    ServerConfig config =
        ServerConfig.of(bundle, adapters)
            .withPort(0)
            .withCapacity(new ServerConfig.Capacity(16, 8, 10));
    server = Wiring.start(config);
    http = new HttpProbe(server);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static Path resource(String name) throws IOException {
    Path file = temp.resolve(name);
    try (InputStream bytes = RealBundleTest.class.getResourceAsStream("/" + name)) {
      Files.copy(Objects.requireNonNull(bytes, name), file);
    }
    return file;
  }

  /** Ranks 1 to 8 and 2 to 9 labels, so that slots are filled to different parts. */
  private static SeededAdapter adapter(int number) {
    return new SeededAdapter(1 + number % 8, 2 + number % 8, number);
  }

  private static String name(int number) {
    return "tenant-" + number % 3 + "/a" + number;
  }

  private static void others() {
    assertThat(http.classify(name(0), TEXTS).status()).isEqualTo(200);
  }

  private static void isRejected(String model, String detail) {
    Reply reply = http.post("/v1/adapters", new JsonObject().put("model", model));

    assertThat(reply.status()).as(reply.text()).isEqualTo(422);
    assertThat(reply.json().getString("detail")).contains(detail);
    assertThat(http.classify(model, TEXTS).status()).isEqualTo(409);
    others();
  }

  @Test
  void aNaNInAnAdapterIsRejected() {
    adapter(1).writeWithNaN(manifest, adapters.resolve("bad/nan"));

    isRejected("bad/nan", "NaN");
  }

  @Test
  void aBrokenAdapterInTheFolderDoesNotKeepTheServerFromStarting() {
    Reply reply = http.classify("bad/at-the-start", TEXTS);

    assertThat(reply.status()).isEqualTo(409);
    assertThat(reply.json().getString("detail")).contains("NaN");
    others();
  }

  @Test
  void anAdapterOfAnotherBaseIsRejected() {
    Digest other = Digest.of(new byte[] {42});
    adapter(1).writeForBase(other, manifest, adapters.resolve("bad/base"));

    isRejected("bad/base", other.toString());
  }

  @Test
  void aRankAboveTheLimitIsRejected() {
    new SeededAdapter(9, 2, 1).write(manifest, adapters.resolve("bad/rank"));

    isRejected("bad/rank", "--max-rank 9");
  }

  @Test
  void moreLabelsThanTheLimitAreRejected() {
    new SeededAdapter(2, 11, 1).write(manifest, adapters.resolve("bad/labels"));

    isRejected("bad/labels", "--max-labels 11");
  }

  @Test
  void aTruncatedAdapterIsRejected() throws IOException {
    Path directory = adapters.resolve("bad/truncated");
    adapter(1).write(manifest, directory);
    Path weights = directory.resolve("adapter_model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    Files.write(weights, Arrays.copyOf(bytes, bytes.length / 2));

    isRejected("bad/truncated", "adapter_model.safetensors");
  }

  @Test
  void eachRowOfAMixedBatchIsAnsweredAsItIsAlone() {
    List<Reply> alone = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      alone.add(http.classify(name(i), TEXTS));
    }
    List<CompletableFuture<Reply>> together = new ArrayList<>();
    for (int round = 0; round < 5; round++) {
      for (int i = 0; i < 8; i++) {
        together.add(http.classifyAsync(name(i), TEXTS));
      }
    }

    for (int i = 0; i < together.size(); i++) {
      Reply mixed = together.get(i).join();
      assertThat(mixed.status()).isEqualTo(200);
      for (int row = 0; row < TEXTS.length; row++) {
        same(mixed.data(row), alone.get(i % 8).data(row));
      }
    }
  }

  private static void same(JsonObject seen, JsonObject expected) {
    JsonArray scores = expected.getJsonArray("scores");
    for (int i = 0; i < scores.size(); i++) {
      JsonObject score = scores.getJsonObject(i);
      double other =
          seen.getJsonArray("scores").stream()
              .map(JsonObject.class::cast)
              .filter(s -> s.getString("label").equals(score.getString("label")))
              .mapToDouble(s -> s.getDouble("score"))
              .sum();
      // What other rows and padding may change is the order of float sums.
      assertThat(other).isCloseTo(score.getDouble("score"), within(1e-5));
    }
  }

  @Test
  void aMixtureAnswersAsTheAdapterThatCombinesItsParts() {
    PeftAdapter combined =
        new AdapterCombination(
                List.of(weighted(1, 0.7), weighted(2, -0.3)),
                CombinationRecipe.of(CombinationType.CAT),
                new HeadChoice.Of(1))
            .combine()
            .adapter();
    combined.write(adapters.resolve("mixed/ready"));
    http.post("/v1/adapters", new JsonObject().put("model", "mixed/ready"));

    Reply mixed = http.post("/v1/classify", mixture(1, 0.7, 2, -0.3).put("head", name(2)));

    Reply ready = http.classify("mixed/ready", TEXTS);
    assertThat(mixed.json().getString("digest")).isEqualTo(ready.json().getString("digest"));
    for (int row = 0; row < TEXTS.length; row++) {
      same(mixed.data(row), ready.data(row));
    }
    assertThat(ready.data(0)).isNotEqualTo(http.classify(name(2), TEXTS).data(0));
  }

  private static WeightedAdapter weighted(int number, double weight) {
    return new WeightedAdapter(
        name(number), PeftAdapter.read(adapters.resolve(name(number))), weight);
  }

  private static JsonObject mixture(int first, double weight, int second, double other) {
    JsonArray parts =
        new JsonArray()
            .add(new JsonObject().put("id", name(first)).put("weight", weight))
            .add(new JsonObject().put("id", name(second)).put("weight", other));
    return new JsonObject().put("adapters", parts).put("input", new JsonArray(List.of(TEXTS)));
  }

  @Test
  void mixturesThatDoNotFitAreRefusedByWhatDoesNot() {
    Reply rank = http.post("/v1/classify", mixture(6, 1, 1, 1).put("head", name(6)));
    assertThat(rank.status()).isEqualTo(422);
    assertThat(rank.json().getString("detail"))
        .contains("their ranks add up to 9, the server has room for 8", "--max-rank 9");

    Reply heads = http.post("/v1/classify", mixture(1, 1, 2, 1));
    assertThat(heads.status()).isEqualTo(422);
    assertThat(heads.json().getString("detail")).contains("have no common head, by its labels");
    others();
  }

  @Test
  void differentAdaptersGiveDifferentEmbeddingsOfUnitLength() {
    JsonArray base = embedding("all-minilm-l6-v2");
    JsonArray adapted = embedding(name(7));

    assertThat(base.size()).isEqualTo(384);
    assertThat(norm(base)).isCloseTo(1, within(1e-5));
    assertThat(norm(adapted)).isCloseTo(1, within(1e-5));
    assertThat(cosine(base, adapted)).isLessThan(0.99);
  }

  private static JsonArray embedding(String model) {
    return http.post("/v1/embeddings", HttpProbe.query(model, TEXTS[0]))
        .data(0)
        .getJsonArray("embedding");
  }

  private static double norm(JsonArray vector) {
    return Math.sqrt(cosine(vector, vector));
  }

  private static double cosine(JsonArray a, JsonArray b) {
    double sum = 0;
    for (int i = 0; i < a.size(); i++) {
      sum += a.getDouble(i) * b.getDouble(i);
    }
    return sum;
  }

  @Test
  void anAdapterReplacedWhileRequestsFlowNeverMixesVersions() throws IOException {
    String model = "flow/x";
    Path directory = adapters.resolve(model);
    JsonObject load = new JsonObject().put("model", model);
    new SeededAdapter(2, 3, 0).write(manifest, directory);
    http.post("/v1/adapters", load);
    List<CompletableFuture<Reply>> answers = new ArrayList<>();
    for (long version = 1; version <= 10; version++) {
      new SeededAdapter(2, 3, version).write(manifest, directory);
      CompletableFuture<Reply> loading = http.postAsync("/v1/adapters", load);
      for (int i = 0; i < 6; i++) {
        answers.add(http.classifyAsync(model, TEXTS));
      }
      assertThat(loading.join().status()).isEqualTo(200);
    }

    for (CompletableFuture<Reply> answer : answers) {
      Reply reply = answer.join();
      assertThat(reply.status()).as(reply.text()).isEqualTo(200);
      // Labels carry the version: all rows of an answer come from one.
      List<String> versions =
          reply.data().stream()
              .map(row -> row.getString("label").replaceFirst("-.*", ""))
              .distinct()
              .toList();
      assertThat(versions).hasSize(1);
    }
  }
}
