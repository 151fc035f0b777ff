package dev.banyan.graph.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.ArtifactException;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class InspectCommandTest {
  @TempDir Path folder;

  @Test
  void layersOfOneKindAreShownOnOneLine() {
    assertThat(run(Fixtures.export("bert_dynamo18")))
        .contains("opset 18")
        .contains("13 layers can carry an adapter")
        .containsPattern("encoder\\.layer\\.\\*\\.attention\\.self\\.query +x2 +32 -> 32")
        .contains("--targets query,value to begin with")
        .contains("names: dense,key,query,value")
        .contains("other places that LoRA can adapt")
        .containsPattern("embeddings\\.word_embeddings +x1 +100 -> 32 +3,200 parameters")
        .contains("--pooling mean, cls, pooler")
        .containsPattern("operators: .*MatMul x16");
  }

  @Test
  void jsonNamesEverySite() {
    String text = run(Fixtures.export("distilbert_opset14"), "--json");
    ObjectNode json = JsonText.parse("output", text.getBytes(StandardCharsets.UTF_8));

    assertThat(json.path("opset").asInt()).isEqualTo(14);
    assertThat(json.path("ir_version").asInt()).isEqualTo(7);
    assertThat(json.path("suggested_targets").asText()).isEqualTo("q_lin,v_lin");
    assertThat(json.path("poolings")).extracting(JsonNode::asText).containsExactly("mean", "cls");
    assertThat(json.path("inputs").path(0).path("name").asText()).isEqualTo("input_ids");
    assertThat(json.path("sites")).hasSize(12);
    assertThat(json.path("sites").path(0).path("path").asText())
        .isEqualTo("transformer.layer.0.attention.q_lin");
    assertThat(json.path("sites").path(0).path("in").asInt()).isEqualTo(32);
    assertThat(json.path("other_places"))
        .extracting(place -> place.path("kind").asText() + " " + place.path("path").asText())
        .containsExactly(
            "embedding embeddings.word_embeddings", "embedding embeddings.position_embeddings");
    assertThat(json.path("operators").path("MatMul").asInt()).isEqualTo(16);
  }

  @Test
  void aWeightIsCountedAndASettingIsNot() throws IOException {
    // The embeddings (30522 + 512 + 2) * 384 + 768, and 1774464 in each of six layers.
    assertThat(GraphTools.inspect(Fixtures.miniLm(folder)).parameters())
        .isEqualTo((30522 + 512 + 2) * 384L + 768 + 6 * 1774464L);
  }

  @Test
  void anOptimizedDecoderIsShownWithItsQuantizedLayers() {
    assertThat(run(Fixtures.smolLm()))
        .contains("151 layers can carry an adapter")
        .contains("qkv_proj")
        .doesNotContain("--pooling")
        .containsPattern("past_key_values\\.\\*\\.key .* x30");
  }

  @Test
  void sizeCountsTheDataFiles() throws IOException {
    Path model = Fixtures.smolLm();
    long bytes = Files.size(model) + Files.size(model.resolveSibling("model.onnx.data"));

    assertThat(run(model, "--json")).contains("\"bytes\":" + bytes + ",");
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.001, 0.5, 0.999})
  void aTruncatedModelIsOneClearLine(double share) throws IOException {
    byte[] whole = Files.readAllBytes(Fixtures.export("bert_opset17"));
    Path cut = folder.resolve("cut.onnx");
    Files.write(cut, Arrays.copyOf(whole, (int) (whole.length * share)));

    assertRefused(cut, "an ONNX model");
  }

  @Test
  void whatIsNoModelIsOneClearLine() throws IOException {
    Path text = folder.resolve("notes.txt");
    Files.writeString(text, "These are the notes of a meeting, not a model.");

    assertRefused(text, "an ONNX model");
    assertRefused(folder.resolve("missing.onnx"), "no such file");
    assertRefused(folder, "folder");
  }

  private static void assertRefused(Path model, String why) {
    assertThatThrownBy(() -> GraphTools.inspect(model))
        .isInstanceOf(ArtifactException.class)
        .hasMessageContainingAll(model.toString(), why)
        .message()
        .doesNotContain("\n");
  }

  private static String run(Path model, String... more) {
    StringWriter printed = new StringWriter();
    CommandLine command =
        new CommandLine(new InspectCommand())
            .setOut(new PrintWriter(printed))
            .setErr(new PrintWriter(printed));
    String[] arguments = new String[more.length + 1];
    arguments[0] = model.toString();
    System.arraycopy(more, 0, arguments, 1, more.length);
    assertThat(command.execute(arguments)).as(printed::toString).isZero();
    return printed.toString();
  }
}
