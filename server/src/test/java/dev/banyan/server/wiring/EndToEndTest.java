package dev.banyan.server.wiring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.runtime.data.BatchSize;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.training.AdamW;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.Compute;
import dev.banyan.runtime.training.Evaluations;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.Passes;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingPlan;
import dev.banyan.runtime.training.TrainingReport;
import dev.banyan.server.wiring.HttpProbe.Reply;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** From a model and texts to answers over HTTP, for both tasks, on all-MiniLM-L6-v2. */
@Timeout(240)
class EndToEndTest {
  private static final String MOODS =
      """
      {"text": "I love this, thank you so much", "label": "happy"}
      {"text": "What a terrible day, nothing works", "label": "angry"}
      {"text": "Wonderful service and a lovely smile", "label": "happy"}
      {"text": "This is a disgrace and I want my money back", "label": "angry"}
      """;
  private static final String SPEED =
      """
      {"text": "Reply to this within the hour, please", "label": "urgent"}
      {"text": "Whenever you find a moment is fine", "label": "later"}
      {"text": "The house is on fire", "label": "urgent"}
      {"text": "No hurry at all, next month will do", "label": "later"}
      """;
  private static final String PAIRS =
      """
      {"text": "How do I change my password?", "text_pair": "Open settings, then choose security."}
      {"text": "Where is my parcel?", "text_pair": "Follow the tracking link in your mail."}
      {"text": "Can I pay by invoice?", "text_pair": "Companies may pay within thirty days."}
      {"text": "Do you ship to Iceland?", "text_pair": "We deliver to all of Europe."}
      """;
  private static final String QUESTION = "Is there a way to get my order sooner?";

  @TempDir private Path temp;
  private Path adapters;

  @BeforeEach
  void makeFolder() {
    adapters = temp.resolve("adapters");
  }

  @Test
  void tenantsOfOneBundleAnswerWithTheirOwnLabelsAndTrainingTwiceGivesTheSameBytes()
      throws IOException {
    Bundle bundle = prepare(Task.TEXT_CLASSIFICATION);
    TrainingReport first = train(bundle, MOODS, "acme/moods");
    TrainingReport again = train(bundle, MOODS, "acme/again");
    train(bundle, SPEED, "globex/speed");

    assertThat(again.losses()).isEqualTo(first.losses());
    assertThat(again.adapterDigest()).isEqualTo(first.adapterDigest());
    for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
      assertThat(adapters.resolve("acme/again").resolve(file))
          .hasSameBinaryContentAs(adapters.resolve("acme/moods").resolve(file));
    }
    assertThat(last(first)).isLessThan(first.losses().getFirst() * 0.9f);
    try (RunningServer server = serve(bundle)) {
      HttpProbe http = new HttpProbe(server);
      assertThat(label(http, "acme/moods", "I love this, thank you so much")).isEqualTo("happy");
      assertThat(label(http, "acme/moods", "What a terrible day, nothing works"))
          .isEqualTo("angry");
      assertThat(label(http, "globex/speed", "The house is on fire")).isEqualTo("urgent");
    }
  }

  @Test
  void anEmbeddingAdapterLearnsPairsAndIsServedBesideItsBase() throws IOException {
    Bundle bundle = prepare(Task.EMBEDDING);
    TrainingReport report = train(bundle, PAIRS, "acme/support");

    assertThat(last(report)).isLessThan(report.losses().getFirst());
    assertThat(report.labels()).isEmpty();
    try (RunningServer server = serve(bundle)) {
      HttpProbe http = new HttpProbe(server);
      List<Double> base = embedding(http, "all-minilm-l6-v2");
      List<Double> adapted = embedding(http, "acme/support");
      assertThat(base).hasSize(384);
      assertThat(adapted).hasSize(384);
      // Both have length one, so that this is their cosine.
      double cosine = 0;
      for (int i = 0; i < base.size(); i++) {
        cosine += base.get(i) * adapted.get(i);
      }
      assertThat(cosine).isBetween(0.2, 0.999);
      Reply classified = http.classify("acme/support", QUESTION);
      assertThat(classified.status()).as(classified.text()).isEqualTo(400);
    }
  }

  private Bundle prepare(Task task) throws IOException {
    return GraphTools.prepare(
            new PrepareRequest(
                resource("all-minilm-l6-v2.onnx"),
                resource("all-minilm-l6-v2-tokenizer.json"),
                task,
                PrepareRequest.SiteChoice.of("query,value"),
                Pooling.MEAN,
                OptionalInt.of(32),
                temp.resolve("bundle")))
        .bundle();
  }

  private Path resource(String name) throws IOException {
    Path file = temp.resolve(name);
    try (InputStream bytes = EndToEndTest.class.getResourceAsStream("/" + name)) {
      Files.copy(Objects.requireNonNull(bytes, name), file);
    }
    return file;
  }

  /** Eight steps, each over all examples. */
  private TrainingReport train(Bundle bundle, String examples, String name) throws IOException {
    Path file = temp.resolve("train.jsonl");
    Files.writeString(file, examples);
    TrainingPlan plan =
        new TrainingPlan(
            AdapterPlan.lora(4, 8),
            new Passes(8, 0, new BatchSize.Examples(4), 1, 0),
            new LearningRate.Constant(0.01, 0),
            new AdamW(0.01, 1.0, 1),
            Evaluations.defaults(),
            42,
            Compute.defaults());
    TrainingData data = new TrainingData(Dataset.read(file), Optional.empty());
    return new Trainer(bundle, plan, event -> {}).train(data, adapters.resolve(name));
  }

  private static float last(TrainingReport report) {
    return report.losses().getLast();
  }

  private RunningServer serve(Bundle bundle) {
    return Wiring.start(ServerConfig.of(bundle.dir(), adapters).withPort(0));
  }

  private static String label(HttpProbe http, String model, String text) {
    Reply reply = http.classify(model, text);
    assertThat(reply.status()).as(reply.text()).isEqualTo(200);
    return reply.data(0).getString("label");
  }

  private static List<Double> embedding(HttpProbe http, String model) {
    JsonObject query = HttpProbe.query(model, QUESTION);
    JsonArray vector = http.post("/v1/embeddings", query).data(0).getJsonArray("embedding");
    return vector.stream().map(Number.class::cast).map(Number::doubleValue).toList();
  }
}
