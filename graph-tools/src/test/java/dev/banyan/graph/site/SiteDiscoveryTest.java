package dev.banyan.graph.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphFailure;
import dev.banyan.graph.GraphFailure.NoSuchSite;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.text.GraphText;
import dev.banyan.graph.types.TypeOf;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SiteDiscoveryTest {
  private static final String SCOPES = "pkg.torch.onnx.name_scopes";

  @TempDir Path folder;

  @Test
  void miniLmHasSixLinearLayersInEachOfItsLayers() throws IOException {
    List<Site> sites = SiteDiscovery.of(Fixtures.simplified(Fixtures.miniLm(folder), folder));

    assertThat(sites).hasSize(36);
    for (int layer = 0; layer < 6; layer++) {
      String prefix = "encoder.layer." + layer + ".";
      assertThat(sites)
          .extracting(Site::path)
          .contains(
              prefix + "attention.self.query",
              prefix + "attention.self.key",
              prefix + "attention.self.value",
              prefix + "attention.output.dense",
              prefix + "intermediate.dense",
              prefix + "output.dense");
    }
    assertThat(sites)
        .filteredOn(site -> site.path().endsWith("intermediate.dense"))
        .allSatisfy(
            site ->
                assertThat(List.of(site.inFeatures(), site.outFeatures()))
                    .containsExactly(384L, 1536L));
  }

  static List<Path> exports() throws IOException {
    return Fixtures.exports();
  }

  @ParameterizedTest
  @MethodSource("exports")
  void everyExporterTellsTheModulePaths(Path export) throws IOException {
    SiteDiscovery.Found found = SiteDiscovery.inspect(Fixtures.simplified(export, folder));

    assertThat(found.unusable()).isEmpty();
    assertThat(found.sites()).extracting(Site::path).doesNotHaveDuplicates();
    assertThat(found.sites().stream().map(Site::path).filter(path -> !path.startsWith("pooler")))
        .hasSize(12)
        .allMatch(path -> path.matches("(encoder|transformer)\\.layer\\.[01]\\.[a-z_0-9.]+"));
  }

  /** DeBERTa's positions are multiplied with these weights too, and that product is folded. */
  @ParameterizedTest
  @ValueSource(strings = {"deberta_opset14", "deberta_dynamo18"})
  void layerThatIsCalledOnConstantsTooIsRefused(String name) {
    SiteDiscovery.Found found =
        SiteDiscovery.inspect(Fixtures.simplified(Fixtures.family(name), folder));

    assertThat(found.unusable())
        .hasSize(4)
        .allSatisfy(
            layer -> {
              assertThat(layer.path())
                  .matches("encoder\\.layer\\.[01]\\.attention\\.self\\.(query|key)_proj");
              assertThat(layer.reason()).contains("also calls it on constants");
            });
    assertThat(new TargetSelector("all-linear").select(found)).hasSize(8);
    assertThat(new TargetSelector("value_proj").select(found)).hasSize(2);
    assertThatThrownBy(() -> new TargetSelector("query_proj,value_proj").select(found))
        .isInstanceOf(NoSuchSite.class)
        .hasMessageContaining("encoder.layer.0.attention.self.query_proj' (MatMul) cannot carry")
        .hasMessageContaining("also calls it on constants");
  }

  /** Simplification loses the exporter's order and its notes on nodes; both are brought back. */
  @ParameterizedTest
  @ValueSource(strings = {"bert_opset14", "bert_dynamo18", "bert_dynamo20", "roberta_dynamo20"})
  void sitesComeInTheModelsOrder(String export) throws IOException {
    assertThat(SiteDiscovery.of(Fixtures.simplified(Fixtures.export(export), folder)))
        .extracting(Site::path)
        .startsWith(
            "encoder.layer.0.attention.self.query",
            "encoder.layer.0.attention.self.key",
            "encoder.layer.0.attention.self.value",
            "encoder.layer.0.attention.output.dense",
            "encoder.layer.0.intermediate.dense",
            "encoder.layer.0.output.dense",
            "encoder.layer.1.attention.self.query");
  }

  /** Biases between positions are looked up in a table too, for no text. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "bert_opset17 | embeddings.word_embeddings,embeddings.token_type_embeddings,embeddings.position_embeddings",
        "bert_dynamo20 | embeddings.word_embeddings,embeddings.token_type_embeddings,embeddings.position_embeddings",
        "roberta_opset17 | embeddings.word_embeddings,embeddings.token_type_embeddings,embeddings.position_embeddings",
        "distilbert_opset14 | embeddings.word_embeddings,embeddings.position_embeddings",
        "mpnet_opset17 | embeddings.word_embeddings,embeddings.position_embeddings",
        "mpnet_dynamo18 | embeddings.word_embeddings,embeddings.position_embeddings",
        "families/t5_dynamo20 | encoder.embed_tokens",
        "families/gpt2_dynamo19 | transformer.wte,transformer.wpe",
        "families/gpt2_opset16 | transformer.wte,transformer.wpe",
        "families/gemma_opset18 | model.embed_tokens"
      })
  void tablesOfEmbeddingsAreFoundBesideTheLayers(String export, String paths) {
    Path file = Fixtures.recording(export);
    Model model =
        Fixtures.simplified(
            file.resolveSibling(file.getFileName().toString().replace("safetensors", "onnx")),
            folder);
    TypeOf.annotate(model);
    SiteDiscovery.Found found = SiteDiscovery.inspect(model);
    List<Site> tables =
        found.others().stream().filter(site -> site.kind() instanceof SiteKind.Embedding).toList();

    List<String> expected = Arrays.asList(paths.split(",", -1));
    assertThat(tables).extracting(Site::path).containsExactlyInAnyOrderElementsOf(expected);
    assertThat(new TargetSelector("all-linear").select(found)).doesNotContainAnyElementsOf(tables);
    String first = expected.getFirst();
    assertThat(new TargetSelector(first.replaceFirst(".*[.]", "")).select(found))
        .extracting(Site::path)
        .containsExactly(first);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[/encoder/layer.0/query/MatMul] m = MatMul(x, onnx::MatMul_7)              |"
            + " encoder.layer.0.query",
        "[/bert/encoder/query/MatMul_1] m = MatMul(x, onnx::MatMul_7)               |"
            + " bert.encoder.query",
        "[tf/bert/layer_._0/query/Tensordot/MatMul] m = MatMul(x, onnx::MatMul_7)   |"
            + " tf.bert.layer_._0.query",
        "[MatMul_123] m = MatMul(x, encoder.key.weight)                             | encoder.key",
        "[node_linear_3] m = MatMul(x, onnx::MatMul_7)                              |"
            + " encoder.query",
        "[/MatMul] m = MatMul(x, onnx::MatMul_7)                                    |"
            + " encoder.query",
        "m = Gemm<transB = 1>(x, onnx::MatMul_7, encoder.value.bias)                |"
            + " encoder.value",
        "[\"two words\"] m = MatMul(x, shared.weight)                               | two_words",
        "m = MatMul(x, shared.weight)                                               | m"
      })
  void pathComesFromTheBestThatTheExporterKept(String node, String path) {
    boolean biased = !node.contains("shared") && !node.contains("Gemm");
    Model model = linear(node, biased ? "Add(m, encoder.query.bias)" : "Add(m, shared.weight)");

    assertThat(SiteDiscovery.of(model)).extracting(Site::path).containsExactly(path);
  }

  @Test
  void scopesOfTorchExportComeFirst() {
    String scopes = "{\"" + SCOPES + "\": \"['', 'encoder', 'encoder.layer.0.key', 'linear']\"}";
    Model model = linear("[node_MatMul_60] m = MatMul(x, val_61) " + scopes, "Relu(m)");

    assertThat(SiteDiscovery.of(model))
        .extracting(Site::path)
        .containsExactly("encoder.layer.0.key");
  }

  @Test
  void moduleThatIsCalledTwiceIsTwoSites() {
    Model model = linear("[/a/query/MatMul] m = MatMul(x, val_61)", "MatMul(m, val_61)");
    model.graph().nodes().getLast().setMetadata(Map.of(SCOPES, "['', 'a.query', 'linear_1']"));

    assertThat(SiteDiscovery.of(model))
        .extracting(Site::path)
        .containsExactly("a.query", "a.query_2");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "m = MatMul(val_61, x)                               | on the left",
        "m = MatMul(x, cube)                                 | 3 axes",
        "m = MatMul(x, half)                                 | FLOAT16",
        "m = Gemm<transA = 1>(x, val_61)                     | transposed",
        "m = com.microsoft.MatMulNBits(x, computed)          | quantized",
        "m = MatMul(deep, val_61)                            | 4 axes",
        "m = Gemm(x, dequantized)                            | quantized to INT8"
      })
  void whatCannotBeAdaptedSaysWhy(String node, String reason) {
    SiteDiscovery.Found found = SiteDiscovery.inspect(linear(node, "Relu(m)"));

    assertThat(found.sites()).isEmpty();
    assertThat(found.unusable())
        .singleElement()
        .satisfies(site -> assertThat(site.reason()).contains(reason));
  }

  @Test
  void layerWithAnEightBitWeightIsASite() {
    assertThat(SiteDiscovery.of(linear("m = MatMul(x, dequantized)", "Relu(m)")))
        .singleElement()
        .satisfies(site -> assertThat(site.inFeatures()).isEqualTo(2));
  }

  @Test
  void productOfTwoActivationsIsNoLayer() {
    SiteDiscovery.Found found = SiteDiscovery.inspect(linear("m = MatMul(x, x)", "Relu(m)"));

    assertThat(found.sites()).isEmpty();
    assertThat(found.unusable()).isEmpty();
  }

  /** A graph of one layer and what comes behind it. */
  private static Model linear(String node, String behind) {
    return GraphText.parse(
        """
        <ir_version: 8, opset_import: ["": 17, "com.microsoft": 1]>
        g (float[batch, 2] x, float[2, 2, 2, 2] deep) => (y)
        <float[2, 2] onnx::MatMul_7 = {1.0, 2.0, 3.0, 4.0},
         float[2, 2] val_61 = {1.0, 2.0, 3.0, 4.0},
         float[2, 2] encoder.key.weight = {1.0, 2.0, 3.0, 4.0},
         float[2, 2] shared.weight = {1.0, 2.0, 3.0, 4.0},
         float[2] encoder.query.bias = {1.0, 2.0},
         float[2] encoder.value.bias = {1.0, 2.0},
         float[1, 2, 2] cube = {1.0, 2.0, 3.0, 4.0},
         float16[2, 2] half = {1.0, 2.0, 3.0, 4.0},
         int8[2, 2] bytes = {1, 2, 3, 4},
         uint8[4] packed = {1, 2, 3, 4},
         float[] scale = {0.5}>
        {
          dequantized = DequantizeLinear(bytes, scale)
          computed = Neg(packed)
          %s
          y = %s
        }
        """
            .formatted(node, behind));
  }

  @Test
  void quantizedLayersOfAGeneratorAreSites() {
    SiteDiscovery.Found found =
        SiteDiscovery.inspect(OnnxReader.read(OnnxFile.read(Fixtures.smolLm())));

    assertThat(found.unusable()).isEmpty();
    assertThat(found.sites())
        .hasSize(30 * 5 + 1)
        .allMatch(site -> site.node().op().type().equals("MatMulNBits"))
        .filteredOn(site -> site.path().equals("model.layers.0.mlp.down_proj"))
        .singleElement()
        .satisfies(
            site ->
                assertThat(List.of(site.inFeatures(), site.outFeatures()))
                    .containsExactly(1536L, 576L));
  }

  @Test
  void nearestNameIsOffered() {
    List<Site> sites =
        SiteDiscovery.of(linear("[/a/query/MatMul] m = MatMul(x, val_61)", "Relu(m)"));

    assertThatThrownBy(() -> new TargetSelector("qeury").select(sites))
        .isInstanceOf(GraphFailure.NoSuchSite.class)
        .hasMessage("No site matches 'qeury' (nearest: 'query'); sites end in: query");
  }

  @ParameterizedTest
  @ValueSource(strings = {"classifier", "classifier.dense", "cls.predictions.decoder", "lm_head"})
  void allLinearLeavesTheHeadAlone(String head) {
    String name = "/" + head.replace('.', '/') + "/MatMul";
    List<Site> sites = SiteDiscovery.of(linear("[" + name + "] m = MatMul(x, val_61)", "Relu(m)"));

    assertThat(sites).hasSize(1);
    assertThatThrownBy(() -> new TargetSelector("all-linear").select(sites))
        .isInstanceOf(GraphFailure.NoSuchSite.class);
  }

  @Test
  void targetsAreNamesPatternsAndLayers() throws IOException {
    List<Site> sites = SiteDiscovery.of(Fixtures.simplified(Fixtures.miniLm(folder), folder));

    assertThat(new TargetSelector("query,value").select(sites)).hasSize(12);
    assertThat(new TargetSelector("output.dense").select(sites)).hasSize(12);
    assertThat(new TargetSelector("attention.output.dense").select(sites)).hasSize(6);
    assertThat(new TargetSelector("all-linear").select(sites)).hasSize(36);
    assertThat(new TargetSelector(".*layer\\.[0-2]\\..*(query|key)").select(sites)).hasSize(6);
    assertThat(
            new TargetSelector("all-linear", Optional.of("query,key"), Optional.of("2-3,5"))
                .select(sites))
        .hasSize(12)
        .allMatch(site -> site.path().matches("encoder\\.layer\\.[235]\\..*"));
  }

  @Test
  void aChoiceOfNothingSaysWhatThereIs() throws IOException {
    List<Site> sites = SiteDiscovery.of(Fixtures.simplified(Fixtures.miniLm(folder), folder));

    assertThatThrownBy(() -> new TargetSelector("q_proj").select(sites))
        .isInstanceOf(GraphFailure.NoSuchSite.class)
        .hasMessageContaining("q_proj")
        .hasMessageContaining("query, key, value, dense");
    assertThatThrownBy(
            () -> new TargetSelector("query", Optional.empty(), Optional.of("6-9")).select(sites))
        .isInstanceOf(GraphFailure.NoSuchSite.class)
        .hasMessageContaining("6-9");
    assertThatThrownBy(
            () -> new TargetSelector("query", Optional.of("valeu"), Optional.empty()).select(sites))
        .isInstanceOf(GraphFailure.NoSuchSite.class)
        .hasMessageContaining("'valeu' (nearest: 'value')");
    assertThatThrownBy(() -> new TargetSelector("query", Optional.empty(), Optional.of("5-2")))
        .isInstanceOf(GraphFailure.NoSuchSite.class)
        .hasMessageContaining("5-2");
    assertThatThrownBy(() -> new TargetSelector("(query"))
        .isInstanceOf(GraphFailure.NoSuchSite.class)
        .hasMessageContaining("(query");
  }
}
