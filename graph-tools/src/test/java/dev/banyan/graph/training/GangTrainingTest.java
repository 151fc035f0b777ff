package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.runtime.cli.TrainCommand;
import dev.banyan.runtime.data.BatchSize;
import dev.banyan.runtime.data.DataFailure;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.AlphaPattern;
import dev.banyan.runtime.training.ClassWeights;
import dev.banyan.runtime.training.Evaluations;
import dev.banyan.runtime.training.GangTrainer;
import dev.banyan.runtime.training.JobResult;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.LossPlan;
import dev.banyan.runtime.training.RunPlace;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingFailure;
import dev.banyan.runtime.training.TrainingJob;
import dev.banyan.runtime.training.TrainingPlan;
import dev.banyan.runtime.training.TrainingReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import picocli.CommandLine;

class GangTrainingTest {
  /** The same gradients in 32 bits, summed in another order, over some ten updates. */
  private static final float TOLERANCE = 1e-5f;

  @TempDir private Path folder;

  /** What a job is, for a run alone and for one together. */
  private record Job(String name, TrainingPlan plan, Path data, Optional<Path> eval) {
    TrainingData read() {
      return new TrainingData(Dataset.read(data), eval.map(Dataset::read));
    }
  }

  @Test
  void eachAdapterIsThatOfARunAlone() {
    Bundle bundle = prepare(Task.TEXT_CLASSIFICATION, "all-linear");
    TrainingPlan plan = TrainingPlan.defaults().with(new LearningRate.Linear(1e-3, 0.1));
    LossPlan smoothed = new LossPlan(0.1, new ClassWeights.Balanced());
    AdapterPlan scaled = AdapterPlan.lora(4, 9).with(AlphaPattern.parse("query=20"));
    List<Job> jobs =
        List.of(
            job("two", sized(plan, 4, 8, 2).with(scaled), texts("two", 24, 2), Optional.empty()),
            job(
                "three",
                sized(plan.with(smoothed), 2, 5, 3).withSeed(7),
                texts("three", 26, 3),
                Optional.of(texts("three-eval", 12, 3))),
            job(
                "short",
                sized(plan, 8, 8, 4).with(plan.passes().withMaxSteps(3)),
                texts("short", 20, 2),
                Optional.empty()),
            // Waits until "short" has ended.
            job(
                "later",
                sized(plan, 3, 6, 2).with(new Evaluations(2, 1)),
                texts("later", 30, 5),
                Optional.of(texts("later-eval", 10, 5))));
    compare(bundle, jobs, train(bundle, jobs, 3));
  }

  @ParameterizedTest
  @EnumSource(names = {"MULTI_LABEL", "REGRESSION", "TOKEN_CLASSIFICATION"})
  void otherTasksWithAHeadTrainTogetherToo(Task task) {
    Bundle bundle = prepare(task, "query,value");
    TrainingPlan plan = TrainingPlan.defaults().with(new LearningRate.Constant(1e-3, 0));
    List<Job> jobs =
        List.of(
            job("a", sized(plan, 4, 8, 1), lines("a", task, 24, 2), Optional.empty()),
            job(
                "b",
                sized(plan, 2, 6, 2).with(plan.passes().withAccumulation(2).withEpochs(2)),
                lines("b", task, 18, 4),
                Optional.of(lines("b-eval", task, 8, 4))));
    compare(bundle, jobs, train(bundle, jobs, 8));
  }

  @Test
  void jobThatFailsDoesNotStopOrSpoilTheOthers() {
    Bundle bundle = prepare(Task.TEXT_CLASSIFICATION, "query,value");
    TrainingPlan plan =
        sized(TrainingPlan.defaults().with(new LearningRate.Constant(1e-3, 0)), 4, 8, 3);
    Job good = job("good", plan, texts("good", 24, 2), Optional.empty());
    List<Job> jobs =
        List.of(
            job("missing", plan, folder.resolve("nowhere.jsonl"), Optional.empty()),
            // Numbers that are none reach the others' gradients where rows are added up.
            job(
                "diverging",
                plan.with(new LearningRate.Constant(1e30, 0)),
                texts("diverging", 24, 2),
                Optional.empty()),
            good,
            job("unknown", plan, texts("known", 20, 2), Optional.of(texts("unknown", 20, 3))));
    List<JobResult> results = train(bundle, jobs, 2);
    assertThat(reason(results.get(0))).isInstanceOf(DataFailure.class);
    assertThat(reason(results.get(1))).isInstanceOf(TrainingFailure.Diverged.class);
    assertThat(reason(results.get(3))).isInstanceOf(DataFailure.class);
    compare(bundle, List.of(good), results.subList(2, 3));
  }

  @Test
  void commandTrainsTheLinesOfAFile() throws IOException {
    Bundle bundle = prepare(Task.TEXT_CLASSIFICATION, "query");
    Path data = texts("data", 20, 2);
    Path jobs = folder.resolve("jobs.jsonl");
    String line = "{\"data\": \"%s\", \"out\": \"%s\"%s}\n";
    Files.writeString(
        jobs,
        line.formatted(data, folder.resolve("acme/one"), ", \"rank\": 2, \"rslora\": true")
            + line.formatted(folder.resolve("gone.jsonl"), folder.resolve("acme/two"), ""));
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        command(out, err)
            .execute("--bundle=" + bundle.dir(), "--jobs=" + jobs, "--rank=3", "--epochs=1");
    assertThat(code).isEqualTo(1);
    assertThat(out.toString())
        .contains(folder.resolve("acme/one") + ": trained, 2 steps")
        .contains(folder.resolve("acme/two") + ": failed: ")
        .contains("gone.jsonl")
        .contains("Jobs      1 of 2 trained");
    assertThat(err.toString()).contains(folder.resolve("acme/one") + ": epoch 1/1: mean loss");
    PeftAdapter adapter = PeftAdapter.read(folder.resolve("acme/one"));
    assertThat(adapter.lora().rank()).isEqualTo(2);
    assertThat(adapter.lora().rslora()).isTrue();

    Files.writeString(jobs, line.formatted(data, folder.resolve("x"), ", \"lr\": 1"));
    assertThatThrownBy(() -> call(bundle, "--jobs=" + jobs))
        .hasMessageContaining("jobs.jsonl, line 1: unknown key 'lr'; expected data, eval, out,")
        .hasMessageContaining("learning-rate");
    Files.writeString(jobs, line.formatted(data, folder.resolve("x"), ", \"rank\": 0"));
    assertThatThrownBy(() -> call(bundle, "--jobs=" + jobs))
        .hasMessageContaining("line 1: rank is 0");
    Files.writeString(jobs, line.formatted(data, folder.resolve("x"), "").repeat(2));
    assertThatThrownBy(() -> call(bundle, "--jobs=" + jobs))
        .hasMessageContaining("line 2: its 'out' is that of line 1");
    assertThatThrownBy(() -> call(bundle, "--jobs=" + jobs, "--out=y"))
        .hasMessageContaining("--out is for one run");
    assertThatThrownBy(() -> call(bundle, "--jobs=" + jobs, "--resume"))
        .hasMessageContaining("goes on alone");
  }

  private static CommandLine command(StringWriter out, StringWriter err) {
    return new CommandLine(new TrainCommand())
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err));
  }

  /** Lets exceptions of the command through. */
  private static void call(Bundle bundle, String... args) throws Exception {
    List<String> all = new ArrayList<>(List.of("--bundle=" + bundle.dir()));
    all.addAll(List.of(args));
    CommandLine command = command(new StringWriter(), new StringWriter());
    command.parseArgs(all.toArray(String[]::new));
    int _ = ((TrainCommand) command.getCommand()).call();
  }

  private static Job job(String name, TrainingPlan plan, Path data, Optional<Path> eval) {
    return new Job(name, plan, data, eval);
  }

  private static TrainingPlan sized(TrainingPlan plan, int rank, int batch, int epochs) {
    return plan.with(AdapterPlan.lora(rank, 2.0 * rank + 1))
        .with(plan.passes().with(new BatchSize.Examples(batch)).withEpochs(epochs));
  }

  private List<JobResult> train(Bundle bundle, List<Job> jobs, int together) {
    List<JobResult> ended = new ArrayList<>();
    List<JobResult> results =
        new GangTrainer(bundle, together, SessionSettings.defaults())
            .train(
                jobs.stream()
                    .map(
                        job ->
                            new TrainingJob(
                                job.name(),
                                job.plan(),
                                job::read,
                                RunPlace.of(folder.resolve("together").resolve(job.name())),
                                event -> {}))
                    .toList(),
                result -> {
                  synchronized (ended) {
                    ended.add(result);
                  }
                });
    assertThat(ended).containsExactlyInAnyOrderElementsOf(results);
    return results;
  }

  private static RuntimeException reason(JobResult result) {
    assertThat(result).isInstanceOf(JobResult.Failed.class);
    return ((JobResult.Failed) result).reason();
  }

  private void compare(Bundle bundle, List<Job> jobs, List<JobResult> results) {
    for (int i = 0; i < jobs.size(); i++) {
      Job job = jobs.get(i);
      assertThat(results.get(i)).as(job.name()).isInstanceOf(JobResult.Trained.class);
      TrainingReport together = ((JobResult.Trained) results.get(i)).report();
      Path place = folder.resolve("alone").resolve(job.name());
      TrainingReport alone = new Trainer(bundle, job.plan(), event -> {}).train(job.read(), place);
      assertThat(together.losses()).as(job.name()).hasSameSizeAs(alone.losses());
      for (int step = 0; step < alone.losses().size(); step++) {
        assertThat(together.losses().get(step))
            .as("%s, step %d", job.name(), step)
            .isCloseTo(alone.losses().get(step), within(TOLERANCE));
      }
      assertThat(together.bestStep()).isEqualTo(alone.bestStep());
      Map<String, Tensor> expected = PeftAdapter.read(place).weights().tensors();
      Map<String, Tensor> seen =
          PeftAdapter.read(folder.resolve("together").resolve(job.name())).weights().tensors();
      assertThat(seen.keySet()).isEqualTo(expected.keySet());
      expected.forEach(
          (name, tensor) ->
              assertThat(Objects.requireNonNull(seen.get(name)).floats())
                  .as("%s, %s", job.name(), name)
                  .containsExactly(tensor.floats(), within(TOLERANCE)));
    }
  }

  private Path texts(String name, int count, int labels) {
    return lines(name, Task.TEXT_CLASSIFICATION, count, labels);
  }

  /** Texts of uneven length, whose first word decides. */
  private Path lines(String name, Task task, int count, int labels) {
    SplittableRandom random = new SplittableRandom(name.length() * 31L + count);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < count; i++) {
      List<Integer> words =
          IntStream.range(0, 1 + random.nextInt(9)).mapToObj(_ -> random.nextInt(1, 39)).toList();
      int label = i < labels ? i : words.getFirst() % labels;
      lines.append(line(task, words, label, labels)).append('\n');
    }
    try {
      return Files.writeString(folder.resolve(name + "-data.jsonl"), lines);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String line(Task task, List<Integer> words, int label, int labels) {
    String text = words.stream().map(word -> "w" + word).collect(Collectors.joining(" "));
    return switch (task) {
      case TEXT_CLASSIFICATION -> "{\"text\": \"%s\", \"label\": \"l%d\"}".formatted(text, label);
      case MULTI_LABEL ->
          "{\"text\": \"%s\", \"labels\": [\"l%d\", \"l%d\"]}"
              .formatted(text, label, (label + 1) % labels);
      case REGRESSION -> "{\"text\": \"%s\", \"score\": %d.5}".formatted(text, label);
      case TOKEN_CLASSIFICATION ->
          words.stream()
              .map(word -> "\"l" + (word + label) % labels + "\"")
              .collect(
                  Collectors.joining(
                      ", ",
                      "{\"tokens\": [\"%s\"], \"labels\": [".formatted(text.replace(" ", "\", \"")),
                      "]}"));
      case EMBEDDING, CAUSAL_LM -> throw new IllegalArgumentException(task.text());
    };
  }

  private Bundle prepare(Task task, String targets) {
    return Bundles.gang(Fixtures.export("bert_opset17"), task, targets, folder);
  }
}
