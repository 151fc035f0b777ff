package dev.banyan.runtime.ort;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.tensor.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelProbeTest {
  @TempDir Path folder;

  @Test
  void simplifiedModelKeepsItsLayersAndItsAnswer() throws IOException {
    Path model = MiniLm.model(folder);
    Path out = folder.resolve("simple.onnx");

    ModelProbe.simplify(model, out, SimplifySettings.defaults());

    // The weights (90 MB) left the model file for the one beside it.
    assertThat(Files.size(out)).isLessThan(1_000_000);
    assertThat(Files.size(folder.resolve("simple.onnx.data"))).isGreaterThan(80_000_000);
    String text = Files.readString(out, StandardCharsets.ISO_8859_1);
    assertThat(text)
        .contains("/encoder/layer.0/attention/self/query/MatMul")
        .contains("/encoder/layer.5/output/dense/MatMul")
        .doesNotContain("Gemm_transform", "Identity");
    // Folding changes no arithmetic at run time, only when it is done.
    assertThat(answer(out)).isEqualTo(answer(model));
  }

  @Test
  void outputTypesNameTheSymbolicAxes() {
    List<TensorPort> ports = ModelProbe.outputTypes(MiniLm.model(folder));
    assertThat(ports).hasSize(1);
    assertThat(ports.getFirst().type()).isEqualTo(DType.FLOAT);
    assertThat(ports.getFirst().dims()).containsExactly(-1L, -1L, 384L);
    assertThat(ports.getFirst().symbols().get(2)).isEmpty();
    assertThat(ports.getFirst().symbols().get(0)).isNotEmpty();
  }

  private static float[] answer(Path model) {
    SessionSettings plain =
        SessionSettings.defaults().withOptimization(SessionSettings.Optimization.NONE);
    try (InferenceSession session = InferenceSession.open(model, plain);
        TensorScope scope = new TensorScope()) {
      String output = session.outputs().getFirst().name();
      try (OutputTensors out =
          session.run(
              Map.of(
                  "input_ids", scope.longs(new long[] {101, 7592, 2088, 102}, 1, 4),
                  "attention_mask", scope.longs(new long[] {1, 1, 1, 1}, 1, 4),
                  "token_type_ids", scope.longs(new long[4], 1, 4)),
              List.of(output))) {
        return out.floats(output);
      }
    }
  }
}
