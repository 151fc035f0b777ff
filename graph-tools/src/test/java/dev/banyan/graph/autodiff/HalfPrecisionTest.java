package dev.banyan.graph.autodiff;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every rule in half precision, in which a slope cannot be measured, against itself in float. */
class HalfPrecisionTest {
  /**
   * ONNX has Celu and Resize's scales in float only, and the row of Cast casts to it; ONNX Runtime
   * adds in float only when it scatters forward.
   */
  private static final Set<String> FLOAT_ONLY =
      Set.of("Celu", "Resize", "Cast", "ScatterND", "ScatterElements");

  @TempDir Path folder;

  static Stream<GradientCase> rows() {
    return GradientTable.rows().stream()
        .filter(row -> !row.isEmpty() && !FLOAT_ONLY.contains(row.op()));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void gradientIsThatOfFloatButForRounding(GradientCase row) throws IOException {
    double[] single = gradients(row.inFloat(), "single");
    double[] half = gradients(row.inHalf(), "half");

    double difference = 0;
    double length = 0;
    for (int i = 0; i < single.length; i++) {
      difference += Math.pow(half[i] - single[i], 2);
      length += Math.pow(single[i], 2);
    }
    assertThat(Math.sqrt(difference))
        .as("distance from the gradient in float, of length %f", Math.sqrt(length))
        .isLessThanOrEqualTo(row.inHalf().tolerance() * Math.sqrt(length));
  }

  private double[] gradients(GradientCase row, String name) throws IOException {
    Path own = Files.createDirectory(folder.resolve(name));
    return new GradientCheck(row, row.opsets().getLast(), false, 19)
        .gradients(GradientRules.plainOnnx(), own);
  }
}
