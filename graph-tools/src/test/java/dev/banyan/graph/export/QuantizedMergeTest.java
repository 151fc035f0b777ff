package dev.banyan.graph.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MergeReport;
import dev.banyan.graph.MergeReport.Requantized;
import dev.banyan.graph.MergeRequest;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.PrepareRequest.WeightChoice;
import dev.banyan.graph.blockwise.BlockMatrix;
import dev.banyan.graph.blockwise.BlockProduct;
import dev.banyan.graph.cli.MergeCommand;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.quantize.Quantization;
import dev.banyan.graph.quantize.Scheme;
import dev.banyan.graph.training.Bundles;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** Merging into a base whose weights are stored in few bits stores them so again. */
class QuantizedMergeTest {
  @TempDir Path folder;

  @ParameterizedTest
  @MethodSource("dev.banyan.graph.quantize.QuantizeModelTest#quantizations")
  void everyLayerIsStoredAsItWasAndWithinItsRounding(Quantization quantization) {
    Bundle bundle = bundle(quantization, false);
    Path adapter = adapter(bundle, any -> true, 0.2);
    MergeReport report = merge(bundle, adapter, "merged.onnx");

    Requantized rounding = report.requantized().orElseThrow();
    assertThat(rounding.layers()).isEqualTo(13).isEqualTo(report.layers());
    if (!quantization.doubleQuantized()) {
      // Beyond the nearest code there are only roundings of floats.
      assertThat(rounding.steps()).isBetween(0.5, 1.001);
    }
    boolean eight = quantization.scheme() == Scheme.INT8;
    assertThat(rounding.meanError()).isBetween(1e-3, eight ? 0.01 : 0.15);
    // An adapter this large outweighs the roundings, which are as often up as down.
    assertThat(rounding.kept()).isCloseTo(1, within(0.1));
    double bare = report.answers().withoutAdapter().orElseThrow();
    assertThat(report.answers().difference()).isPositive().isLessThan(bare * (eight ? 0.1 : 0.9));
    assertThat(stored(report.files().getFirst()).values())
        .extracting(matrix -> matrix.format())
        .hasSize(13)
        .containsOnly(quantization.format());
    assertThat(operators(report.files().getFirst()).contains("DequantizeLinear"))
        .isEqualTo(quantization.doubleQuantized());
  }

  @Test
  void whatIsStoredIsNearTheWeightsThatAreMergedInFloats() {
    Quantization int8 = new Quantization(Scheme.INT8, 16, false, false);
    Bundle bundle = bundle(int8, false);
    Path adapter = adapter(bundle, any -> true, 0.2);
    Map<String, BlockMatrix> stored = stored(merge(bundle, adapter, "a.onnx").files().getFirst());
    MergeReport floats = merge(bundle(int8, true), adapter, "b.onnx");
    assertThat(floats.requantized()).isEmpty();
    assertThat(floats.answers().difference()).isLessThan(1e-5);
    int compared = 0;
    for (Node node : nodes(floats.files().getFirst())) {
      BlockMatrix matrix = stored.get(node.output().name());
      if (matrix != null) {
        float[] exact = node.input(1).constant().orElseThrow().floats();
        float[] row = new float[matrix.columns()];
        for (int i = 0; i < matrix.rows(); i++) {
          matrix.read(i, row);
          for (int j = 0; j < row.length; j++) {
            assertThat(row[j])
                .isCloseTo(
                    exact[j * (int) matrix.rows() + i],
                    within((float) matrix.tolerance(i, j) * 1.001f));
          }
        }
        compared++;
      }
    }
    assertThat(compared).isEqualTo(13);
  }

  @Test
  void aLayerThatTheAdapterLeavesAloneKeepsItsBits() {
    Quantization nf4 = new Quantization(Scheme.NF4, 16, false, true);
    Bundle bundle = bundle(nf4, false);
    Path adapter = adapter(bundle, name -> name.contains("layer.0"), 0.2);
    MergeReport report = merge(bundle, adapter, "merged.onnx");
    assertThat(report.requantized().orElseThrow().layers()).isEqualTo(6);
    Map<String, BlockMatrix> before = stored(bundle.file(Bundle.EVAL_MODEL));
    Map<String, BlockMatrix> after = stored(report.files().getFirst());
    long same =
        before.entrySet().stream()
            .filter(entry -> same(entry.getValue(), after.get(entry.getKey())))
            .count();
    assertThat(same).isEqualTo(7);
  }

  @Test
  void anAdapterThatIsLostInRoundingIsSaidSo() {
    Bundle bundle = bundle(new Quantization(Scheme.FP4, 64, false, false), false);
    Path adapter = adapter(bundle, any -> true, 0.01);
    StringWriter printed = new StringWriter();
    int code =
        new CommandLine(new MergeCommand())
            .setOut(new PrintWriter(printed))
            .execute(
                "--bundle", bundle.dir().toString(),
                "--adapter", adapter.toString(),
                "--out", folder.resolve("m.onnx").toString());
    assertThat(code).isZero();
    assertThat(printed.toString())
        .containsPattern("few bits +13 layers are stored as before")
        .contains("those of the base without it by")
        .contains("prepare --dequantize");
  }

  private static boolean same(BlockMatrix a, @Nullable BlockMatrix b) {
    if (b == null) {
      return false;
    }
    List<MemorySegment> ours = a.tensors().stream().map(tensor -> tensor.data()).toList();
    List<MemorySegment> theirs = b.tensors().stream().map(tensor -> tensor.data()).toList();
    return ours.get(0).mismatch(theirs.get(0)) < 0 && ours.get(1).mismatch(theirs.get(1)) < 0;
  }

  private static List<Node> nodes(Path model) {
    return OnnxReader.read(OnnxFile.read(model)).graph().nodes();
  }

  private static List<String> operators(Path model) {
    return nodes(model).stream().map(node -> node.op().type()).toList();
  }

  private static Map<String, BlockMatrix> stored(Path model) {
    return nodes(model).stream()
        .filter(node -> BlockProduct.weightOf(node).isPresent())
        .collect(
            Collectors.toMap(
                node -> node.output().name(), node -> BlockProduct.weightOf(node).orElseThrow()));
  }

  private Path adapter(Bundle bundle, Predicate<String> layers, double deviation) {
    return TrainedAdapter.write(
        bundle.manifest(), List.of(), layers, deviation, folder.resolve("adapter-" + deviation));
  }

  private MergeReport merge(Bundle bundle, Path adapter, String name) {
    return GraphTools.merge(new MergeRequest(bundle.dir(), adapter, folder.resolve(name), false));
  }

  private Bundle bundle(Quantization quantization, boolean dequantized) {
    Path model = Bundles.quantized(Fixtures.export("bert_opset17"), quantization, folder);
    return GraphTools.prepare(
            new PrepareRequest(
                    model,
                    Bundles.tokenizer(folder, 40),
                    Task.EMBEDDING,
                    SiteChoice.of("all-linear"),
                    Pooling.POOLER,
                    OptionalInt.empty(),
                    folder.resolve("bundle-" + dequantized))
                .with(new WeightChoice(dequantized)))
        .bundle();
  }
}
