package dev.banyan.runtime.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.runtime.TinyBundle;
import dev.banyan.runtime.TinyData;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.RunIdentity;
import dev.banyan.runtime.training.RunPlace;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingEvent;
import dev.banyan.runtime.training.TrainingListener;
import dev.banyan.runtime.training.TrainingPlan;
import dev.banyan.runtime.training.TrainingReport;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLogsTest {
  private static final int STEPS = 3 * 13;

  @TempDir static Path shared;
  @TempDir Path folder;
  private static Bundle bundle;
  private static TrainingData data;

  @BeforeAll
  static void prepare() throws IOException {
    bundle = TinyBundle.write(shared.resolve("bundle"));
    data = TinyData.write(shared);
  }

  @Test
  void jsonLinesTellEveryStepEvaluationAndSave() throws IOException {
    Path file = folder.resolve("logs/run.jsonl");
    try (JsonLinesLog log = new JsonLinesLog(file)) {
      train(log, place("out"));
    }
    List<JsonNode> lines = lines(file);
    assertThat(events(lines, "step")).hasSize(STEPS);
    assertThat(events(lines, "eval")).hasSize(3);
    assertThat(events(lines, "adapter")).isNotEmpty();
    assertThat(events(lines, "state")).hasSize(2);
    JsonNode step = events(lines, "step").getFirst();
    assertThat(step.path("loss").doubleValue()).isBetween(0.5, 2.0);
    for (String key : List.of("step", "epoch", "learning_rate", "gradient_norm", "tokens", "ms")) {
      assertThat(step.path(key).doubleValue()).as(key).isPositive();
    }
    assertThat(events(lines, "eval").getFirst().at("/score/accuracy").isNumber()).isTrue();
  }

  @Test
  void logOfARunThatWentOnReadsAsIfItHadNeverStopped() throws IOException {
    try (JsonLinesLog log = new JsonLinesLog(folder.resolve("whole.jsonl"))) {
      train(log, place("whole").savedEvery(5));
    }
    Path file = folder.resolve("parts.jsonl");
    RunPlace place = place("parts").savedEvery(5);
    try (JsonLinesLog log = new JsonLinesLog(file)) {
      assertThatThrownBy(
              () ->
                  train(
                      event -> {
                        log.on(event);
                        if (event instanceof TrainingEvent.Stepped step && step.step() == 18) {
                          throw new CancellationException("killed");
                        }
                      },
                      place))
          .isInstanceOf(CancellationException.class);
    }
    Files.writeString(file, "{\"event\":\"st", StandardOpenOption.APPEND);
    try (JsonLinesLog log = new JsonLinesLog(file)) {
      train(log, place.resumed());
    }
    List<JsonNode> lines = lines(file);
    assertThat(events(lines, "start")).hasSize(2);
    lines.removeAll(events(lines, "start"));
    List<JsonNode> whole = lines(folder.resolve("whole.jsonl"));
    whole.removeFirst();
    assertThat(withoutTimes(lines)).isEqualTo(withoutTimes(whole));
  }

  @Test
  void tensorBoardHasCurvesOfStepsAndEvaluations() throws IOException {
    try (TensorBoardLog log = new TensorBoardLog(folder.resolve("board"))) {
      train(log, place("out"));
    }
    try (var files = Files.list(folder.resolve("board"))) {
      byte[] bytes = Files.readAllBytes(files.findFirst().orElseThrow());
      assertThat(new String(bytes, StandardCharsets.ISO_8859_1))
          .contains("brain.Event:2", "train/loss", "train/learning_rate", "train/gradient_norm")
          .contains("eval/accuracy", "eval/macro_f1", "eval/loss");
    }
  }

  @Test
  void pageShowsCurvesSettingsAndDigestsAndNeedsNothingElse() throws IOException {
    RunPage page = new RunPage();
    TrainingReport report = train(page, place("o<u>t"));
    Path file = folder.resolve("report.html");
    page.write(file, Path.of("o<u>t"), report, RunIdentity.of(bundle, data, plan()));
    assertThat(file)
        .content()
        .contains("<h1>o&lt;u&gt;t</h1>")
        .contains("Loss</text>", "Held out: accuracy</text>", "Learning rate</text>")
        .contains("<td>bundle</td><td>" + bundle.digest())
        .contains("<td>adapter.rank</td><td>8</td>")
        .contains(report.adapterDigest().toString())
        .doesNotContain("<script", "<link", "src=");
  }

  private static List<JsonNode> lines(Path file) throws IOException {
    JsonMapper mapper = new JsonMapper();
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      lines.add(mapper.readTree(line));
    }
    return lines;
  }

  private static List<JsonNode> events(List<JsonNode> lines, String event) {
    return lines.stream().filter(line -> line.path("event").asText().equals(event)).toList();
  }

  private static List<JsonNode> withoutTimes(List<JsonNode> lines) {
    return lines.stream()
        .map(line -> ((ObjectNode) line.deepCopy()).without("ms"))
        .map(JsonNode.class::cast)
        .toList();
  }

  private RunPlace place(String name) {
    return RunPlace.of(folder.resolve(name));
  }

  private static TrainingReport train(TrainingListener listener, RunPlace place) {
    return new Trainer(bundle, plan(), listener).train(data, place);
  }

  private static TrainingPlan plan() {
    return TrainingPlan.defaults().with(new LearningRate.Linear(0.02, 0.1));
  }
}
