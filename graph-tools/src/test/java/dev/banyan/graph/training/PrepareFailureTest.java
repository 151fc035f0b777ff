package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.proto.ModelProto;
import dev.banyan.artifacts.onnx.proto.ValueInfoProto;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphFailure.NoSuchSite;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareReport;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.runtime.data.DataFailure.BadTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Everything that stands in the way of a bundle is told in one line, and leaves nothing behind. */
class PrepareFailureTest {
  private static final int VOCABULARY = 40;

  @TempDir Path folder;

  @Test
  void targetsThatMatchNothingNameWhatThereIs() {
    assertThatThrownBy(() -> prepare(encoder(), SiteChoice.of("q_proj"), OptionalInt.empty()))
        .isInstanceOf(NoSuchSite.class)
        .hasMessageContaining("q_proj")
        .hasMessageContaining("query");
    assertNothingWritten();
  }

  @Test
  void aTokenizerWithMoreTokensThanTheModelIsRefused() {
    assertThatThrownBy(
            () ->
                GraphTools.prepare(
                    request(
                        encoder(),
                        Bundles.tokenizer(folder, 5000),
                        SiteChoice.of("query"),
                        OptionalInt.empty())))
        .isInstanceOf(BadTokenizer.class)
        .hasMessageContaining("4999");
    assertNothingWritten();
  }

  @Test
  void aFileThatIsNoTokenizerIsRefused() throws IOException {
    Path other = Files.writeString(folder.resolve("vocab.txt"), "hello\nworld\n");
    assertThatThrownBy(
            () ->
                GraphTools.prepare(
                    request(encoder(), other, SiteChoice.of("query"), OptionalInt.empty())))
        .isInstanceOf(BadTokenizer.class)
        .hasMessageContaining("vocab.txt");
    assertNothingWritten();
  }

  @Test
  void aTruncatedModelIsRefused() throws IOException {
    byte[] whole = Files.readAllBytes(encoder());
    Path cut = Files.write(folder.resolve("cut.onnx"), Arrays.copyOf(whole, whole.length * 2 / 3));
    assertThatThrownBy(() -> prepare(cut, SiteChoice.of("query"), OptionalInt.empty()))
        .isInstanceOf(CorruptArtifact.class)
        .hasMessageContaining("cut.onnx");
    assertNothingWritten();
  }

  @Test
  void aModelWithoutVectorsOfItsTokensIsRefused() {
    Path logitsOnly = withOutputs("logits.onnx", List.of("pooler_output"));
    assertThatThrownBy(() -> prepare(logitsOnly, SiteChoice.of("query"), OptionalInt.empty()))
        .isInstanceOf(UnusableModel.class)
        .hasMessageContaining("[batch, sequence, hidden]")
        .hasMessageContaining("pooler_output");
    assertNothingWritten();
  }

  @ParameterizedTest
  @ValueSource(strings = {"word_embeddings,query", ".*embeddings.*"})
  void aTableForAMethodOfLinearLayersIsRefused(String targets) {
    MethodChoice ia3 = MethodChoice.parse("ia3:targets=" + targets, SiteChoice.of(""));
    PrepareRequest request =
        request(
                encoder(),
                Bundles.tokenizer(folder, VOCABULARY),
                SiteChoice.of("head-only"),
                OptionalInt.empty())
            .withMethods(List.of(ia3));
    assertThatThrownBy(() -> GraphTools.prepare(request))
        .isInstanceOf(NoSuchSite.class)
        .hasMessageContaining("ia3 cannot adapt 'embeddings.word_embeddings'")
        .hasMessageContaining("(embedding)");
    assertNothingWritten();
  }

  @Test
  void thePoolerOfAModelThatHasNoneIsRefused() {
    PrepareRequest request =
        new PrepareRequest(
            Fixtures.export("distilbert_opset14"),
            Bundles.tokenizer(folder, VOCABULARY),
            Task.TEXT_CLASSIFICATION,
            SiteChoice.of("q_lin"),
            Pooling.POOLER,
            OptionalInt.empty(),
            folder.resolve("bundle"));
    assertThatThrownBy(() -> GraphTools.prepare(request))
        .isInstanceOf(UnusableModel.class)
        .hasMessageContaining("--pooling mean or cls");
    assertNothingWritten();
  }

  @Test
  void textsLongerThanTheModelsPositionsAreRefused() {
    assertThatThrownBy(() -> prepare(encoder(), SiteChoice.of("query"), OptionalInt.of(100_000)))
        .isInstanceOf(UnusableModel.class)
        .hasMessageContaining("--max-length 100000")
        .hasMessageContaining("tokens");
    assertNothingWritten();
  }

  @Test
  void aFolderThatIsNoBundleIsLeftAlone() throws IOException {
    Path out = Files.createDirectory(folder.resolve("bundle"));
    Path precious = Files.writeString(out.resolve("thesis.txt"), "years of work");
    assertThatThrownBy(() -> prepare(encoder(), SiteChoice.of("query"), OptionalInt.empty()))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("not a bundle");
    assertThat(precious).hasContent("years of work");
  }

  @Test
  void anOlderBundleIsReplaced() {
    prepare(encoder(), SiteChoice.of("query"), OptionalInt.empty());
    prepare(
        encoder(),
        new SiteChoice("all-linear", Optional.of("dense"), Optional.of("1")),
        OptionalInt.empty());
    assertThat(Bundle.open(folder.resolve("bundle")).manifest().adapter().sites())
        .containsExactly(
            "encoder.layer.1.attention.self.query",
            "encoder.layer.1.attention.self.key",
            "encoder.layer.1.attention.self.value");
  }

  private static Path encoder() {
    return Fixtures.export("bert_opset17");
  }

  private PrepareReport prepare(Path model, SiteChoice sites, OptionalInt maxLength) {
    return GraphTools.prepare(
        request(model, Bundles.tokenizer(folder, VOCABULARY), sites, maxLength));
  }

  private PrepareRequest request(
      Path model, Path tokenizer, SiteChoice sites, OptionalInt maxLength) {
    return new PrepareRequest(
        model,
        tokenizer,
        Task.TEXT_CLASSIFICATION,
        sites,
        Pooling.MEAN,
        maxLength,
        folder.resolve("bundle"));
  }

  /** The encoder with only some of its outputs. */
  private Path withOutputs(String name, List<String> kept) {
    ModelProto model = OnnxFile.read(encoder()).model();
    List<ValueInfoProto> outputs =
        model.getGraph().getOutputList().stream()
            .filter(output -> kept.contains(output.getName()))
            .toList();
    Path file = folder.resolve(name);
    OnnxFile.write(
        file,
        model.toBuilder()
            .setGraph(model.getGraph().toBuilder().clearOutput().addAllOutput(outputs))
            .build());
    return file;
  }

  private void assertNothingWritten() {
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left.map(path -> path.getFileName().toString()))
          .noneMatch(name -> name.contains("bundle"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
