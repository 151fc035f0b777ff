package dev.banyan.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.runtime.TinyBundle;
import dev.banyan.runtime.TinyData;
import dev.banyan.runtime.data.DataFailure;
import dev.banyan.runtime.training.TrainingFailure;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class TrainCommandTest {
  @TempDir static Path shared;
  @TempDir Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @BeforeAll
  static void prepare() throws IOException {
    TinyBundle.write(shared.resolve("bundle"));
    Files.writeString(shared.resolve("train.jsonl"), TinyData.examples(200, 1));
    Files.writeString(shared.resolve("eval.jsonl"), TinyData.examples(60, 2));
    Files.writeString(shared.resolve("empty.jsonl"), "");
  }

  @Test
  void jsonIsOneObjectWithTheFiguresOfTheRun() throws JsonProcessingException {
    assertThat(train("--json", "--eval", path("eval.jsonl"))).isZero();
    JsonNode json = new JsonMapper().readTree(out.toString());
    assertThat(json.get("losses")).hasSize(8 * 13);
    assertThat(json.get("step_ms"))
        .hasSize(8 * 13)
        .allSatisfy(time -> assertThat(time.doubleValue()).isPositive());
    assertThat(json.at("/eval/accuracy").doubleValue()).isGreaterThan(0.9);
    assertThat(json.at("/eval/macro_f1").doubleValue()).isGreaterThan(0.9);
    for (String key :
        List.of(
            "trainable_parameters",
            "frozen_parameters",
            "ms_per_step_median",
            "tokens_per_second",
            "peak_rss_mib",
            "first_step_seconds")) {
      assertThat(json.path(key).doubleValue()).as(key).isPositive();
    }
    assertThat(json.path("adapter_digest").textValue())
        .isEqualTo(PeftAdapter.read(folder.resolve("out")).digest().toString());
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void evaluationOfTheAdapterAgreesWithTheTraining() throws JsonProcessingException {
    train("--json", "--eval", path("eval.jsonl"));
    JsonNode trained = new JsonMapper().readTree(out.toString()).get("eval");
    out.getBuffer().setLength(0);
    assertThat(
            execute(
                new EvaluateCommand(),
                "--bundle",
                path("bundle"),
                "--adapter",
                folder.resolve("out").toString(),
                "--data",
                path("eval.jsonl"),
                "--json"))
        .isZero();
    JsonNode evaluated = new JsonMapper().readTree(out.toString());
    assertThat(evaluated.get("accuracy")).isEqualTo(trained.get("accuracy"));
    assertThat(evaluated.get("macro_f1")).isEqualTo(trained.get("macro_f1"));
    assertThat(evaluated.path("examples").intValue()).isEqualTo(60);
  }

  @Test
  void withoutJsonPeopleReadLines() {
    assertThat(
            train(
                "--chart=" + folder.resolve("loss.svg"),
                "--log=" + folder.resolve("run.jsonl"),
                "--tensorboard=" + folder.resolve("board"),
                "--report=" + folder.resolve("run.html")))
        .isZero();
    assertThat(out.toString())
        .contains("Adapter   " + folder.resolve("out") + " (sha256:")
        .contains("Trained   307 parameters (544 frozen), 104 steps");
    assertThat(err.toString()).contains("epoch 8/8: mean loss 0.");
    assertThat(folder.resolve("loss.svg")).content().startsWith("<svg ");
    assertThat(folder.resolve("run.jsonl")).content().startsWith("{\"event\":\"start\"");
    assertThat(folder.resolve("run.html")).content().contains("<h1>out</h1>");
    assertThat(folder.resolve("board")).isNotEmptyDirectory();
  }

  @Test
  void valueOutOfRangeIsAUsageError() {
    assertThat(train("--rank", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("--rank is 0; expected 1 or more");
    assertThat(train("--bottleneck", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("--bottleneck is 0; expected 1 or more");
    assertThat(train("--keep", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("--keep is 0.0; expected above 0 to 1");
    assertThat(train("--schedule", "step")).isEqualTo(2);
    assertThat(err.toString())
        .contains("--schedule is 'step'; expected linear, cosine or constant");
    assertThat(train("--eval-every", "5")).isEqualTo(2);
    assertThat(err.toString()).contains("--eval-every needs --eval");
    assertThat(train("--device", "tpu")).isEqualTo(2);
    assertThat(err.toString()).contains("'tpu' is not a device");
    assertThat(execute(new TrainCommand(), "--data", "x")).isEqualTo(2);
  }

  @Test
  void emptyDataAndMissingBundleAreNamed() {
    assertThatThrownBy(
            () ->
                run(new TrainCommand(), "--bundle", path("bundle"), "--data", path("empty.jsonl")))
        .isInstanceOf(DataFailure.Empty.class)
        .hasMessageStartingWith(path("empty.jsonl") + " holds no example");
    assertThatThrownBy(
            () -> run(new TrainCommand(), "--bundle", path("none"), "--data", path("train.jsonl")))
        .isInstanceOf(UnusableArtifact.class);
  }

  @Test
  void helpListsEveryFlag() {
    assertThat(execute(new TrainCommand(), "--help")).isZero();
    assertThat(out.toString())
        .contains("--bundle", "--data", "--eval", "--rank", "--alpha", "--epochs", "--batch-size")
        .contains("--learning-rate", "--schedule", "--warmup", "--weight-decay", "--clip", "--seed")
        .contains("--max-steps", "--pad-to", "--out", "--json", "--device")
        .contains("--resume", "--save-every", "--state", "--eval-every", "--patience")
        .contains("--log", "--tensorboard", "--report", "--chart");
  }

  @Test
  void interruptedRunLeavesTheLastAdapterAndItsStateAndNoHalfFile()
      throws IOException, InterruptedException {
    Path work = Files.createDirectory(folder.resolve("tmp"));
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Djava.io.tmpdir=" + work,
                "-cp",
                System.getProperty("java.class.path"),
                TrainMain.class.getName()));
    command.addAll(arguments("--epochs", "1000000"));
    Process process =
        new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    try (BufferedReader lines = process.errorReader()) {
      assertThat(lines.lines().filter(line -> line.contains("adapter saved")).limit(20))
          .hasSize(20);
      // Not through the process itself, which would close its streams.
      assertThat(process.toHandle().destroy()).isTrue();
      assertThat(lines.lines().filter(line -> line.startsWith("stopped")))
          .singleElement()
          .asString()
          .matches("stopped after step \\d+ of 13000000; go on with the same command and --resume");
      assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(PeftAdapter.read(folder.resolve("out")).metadata().labels()).hasSize(3);
    assertThat(names(folder)).containsExactlyInAnyOrder("out", ".out.state", "tmp");
    assertThat(names(work)).noneMatch(name -> name.startsWith("banyan-train-"));
    byte[] state = Files.readAllBytes(folder.resolve(".out.state/state.json"));
    assertThat(JsonText.parse("state", state).path("step").intValue()).isGreaterThan(20 * 13);
  }

  @Test
  void runGoesOnOnlyWithItsOwnPlanAndData() {
    assertThat(train("--save-every", "-1")).isEqualTo(2);
    assertThat(err.toString()).contains("--save-every is -1; expected 0 (each epoch) or more");
    assertThatThrownBy(
            () ->
                run(
                    new TrainCommand(),
                    "--bundle",
                    path("bundle"),
                    "--data",
                    path("train.jsonl"),
                    "--resume"))
        .isInstanceOf(TrainingFailure.NothingToResume.class)
        .hasMessageContaining(".out.state");
  }

  /** The command as a program of its own. */
  static final class TrainMain {
    private TrainMain() {}

    /** Runs the command. */
    public static void main(String[] args) {
      System.exit(new CommandLine(new TrainCommand()).execute(args));
    }
  }

  private static List<String> names(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.map(file -> String.valueOf(file.getFileName())).toList();
    }
  }

  private static String path(String name) {
    return shared.resolve(name).toString();
  }

  private int train(String... more) {
    return execute(new TrainCommand(), arguments(more).toArray(String[]::new));
  }

  private List<String> arguments(String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--bundle",
                path("bundle"),
                "--data",
                path("train.jsonl"),
                "--out",
                folder.resolve("out").toString(),
                "--learning-rate",
                "0.02"));
    List<String> extra = List.of(more);
    arguments.addAll(extra);
    if (!extra.contains("--epochs")) {
      arguments.addAll(List.of("--epochs", "8"));
    }
    return arguments;
  }

  private int execute(Callable<Integer> command, String... arguments) {
    return line(command).execute(arguments);
  }

  private void run(Callable<Integer> command, String... arguments) throws Exception {
    CommandLine line = line(command);
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(List.of("--out", folder.resolve("out").toString()));
    line.parseArgs(all.toArray(String[]::new));
    command.call();
  }

  private CommandLine line(Callable<Integer> command) {
    return new CommandLine(command)
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true));
  }
}
