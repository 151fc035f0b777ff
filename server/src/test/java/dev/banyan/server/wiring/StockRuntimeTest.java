package dev.banyan.server.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.Emission;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.server.Banyan;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Training on ONNX Runtime's official build, which cannot train by itself: real processes, one with
 * the library of {@code com.microsoft.onnxruntime:onnxruntime} and one with Banyan's own.
 */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
class StockRuntimeTest {
  private static final String OFFICIAL = "/ai/onnxruntime/native/linux-x64/";
  private static final String EXAMPLES =
      """
      {"text": "I love this", "label": "happy"}
      {"text": "what a terrible day", "label": "angry"}
      {"text": "thank you so much", "label": "happy"}
      {"text": "nothing works here", "label": "angry"}
      """;

  @TempDir private Path temp;

  /** What a process printed, and how it ended. */
  private record Ended(int status, String out, String err) {}

  @BeforeEach
  void prepare() throws IOException {
    copy("/all-minilm-l6-v2.onnx", temp.resolve("model.onnx"));
    copy("/all-minilm-l6-v2-tokenizer.json", temp.resolve("tokenizer.json"));
    Files.createDirectory(temp.resolve("stock"));
    for (String library : List.of("libonnxruntime.so", "libonnxruntime4j_jni.so")) {
      copy(OFFICIAL + library, temp.resolve("stock").resolve(library));
    }
    Files.writeString(temp.resolve("train.jsonl"), EXAMPLES);
    GraphTools.prepare(
        new PrepareRequest(
            temp.resolve("model.onnx"),
            temp.resolve("tokenizer.json"),
            Task.TEXT_CLASSIFICATION,
            PrepareRequest.SiteChoice.of("query,value"),
            Pooling.MEAN,
            Emission.PLAIN,
            OptionalInt.of(32),
            temp.resolve("bundle")));
  }

  @Test
  void plainGradientsTrainOnTheOfficialBuildAsOnOurs() throws Exception {
    List<Double> stock = losses(train(true, "session"));
    assertThat(stock).hasSize(6);
    assertThat(stock.getLast()).isLessThan(stock.getFirst() - 0.1);
    List<Double> own = losses(train(false, "session"));
    for (int step = 0; step < own.size(); step++) {
      // Two builds may add in another order.
      assertThat(stock.get(step)).isCloseTo(own.get(step), within(1e-4));
    }
    // The library is the official one: its training API is not there.
    Ended training = train(true, "ort-training");
    assertThat(training.status()).isEqualTo(1);
    assertThat(training.err()).contains("The ONNX Runtime that was loaded cannot train");
  }

  private Ended train(boolean stock, String engine) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    if (stock) {
      command.add("-Donnxruntime.native.path=" + temp.resolve("stock"));
    }
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(Banyan.class.getName(), "train", "--json"));
    command.addAll(List.of("--bundle", temp.resolve("bundle").toString(), "--engine", engine));
    command.addAll(List.of("--data", temp.resolve("train.jsonl").toString()));
    command.addAll(List.of("--out", temp.resolve("out-" + stock).toString()));
    command.addAll(List.of("--epochs", "6", "--learning-rate", "0.01", "--warmup", "0"));
    Path out = temp.resolve("stdout");
    Path err = temp.resolve("stderr");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    return new Ended(
        process.waitFor(),
        Files.readString(out, StandardCharsets.UTF_8),
        Files.readString(err, StandardCharsets.UTF_8));
  }

  private static List<Double> losses(Ended ended) throws IOException {
    assertThat(ended.status()).as(ended.err()).isZero();
    JsonNode report = JsonMapper.builder().build().readTree(ended.out());
    List<Double> losses = new ArrayList<>();
    report.withArray("losses").forEach(loss -> losses.add(loss.doubleValue()));
    return losses;
  }

  private static void copy(String resource, Path file) throws IOException {
    try (InputStream bytes = StockRuntimeTest.class.getResourceAsStream(resource)) {
      Files.copy(Objects.requireNonNull(bytes, resource), file);
    }
  }
}
