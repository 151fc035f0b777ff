package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * The gradients that LoRA-FA steps along, as PEFT's optimizer for it has them: that of B times
 * {@code (A'A + 1e-8)⁻¹ / s²}, so that the change of the weight is nearest to its own gradient. A
 * is frozen, so that one small matrix a layer does for a whole run.
 *
 * @param matrices {@code [rank, rank]}, row by row, by the name of a B
 */
record LoraFaProjection(Map<String, double[]> matrices) {
  private static final double SMALL = 1e-8;

  /**
   * Those of the layers of a run.
   *
   * @return empty if nothing is trained so
   */
  static Optional<LoraFaProjection> of(TrainingStart start) {
    Map<String, Tensor> values =
        start.checkpoint().trainable().stream()
            .collect(Collectors.toMap(Tensor::name, Function.identity()));
    Map<String, Tensor> frozen = new HashMap<>();
    Map<String, double[]> matrices = new HashMap<>();
    for (ParameterSpec spec : start.parameters()) {
      if (spec.method().equals(Optional.of(MethodName.LORA_FA))) {
        if (spec.isTrained()) {
          Tensor a = Objects.requireNonNull(frozen.get(spec.site()));
          matrices.put(
              spec.name(), matrix(a, Objects.requireNonNull(start.scalings().get(spec.site()))));
        } else {
          frozen.put(spec.site(), Objects.requireNonNull(values.get(spec.name())));
        }
      }
    }
    return matrices.isEmpty() ? Optional.empty() : Optional.of(new LoraFaProjection(matrices));
  }

  private static double[] matrix(Tensor a, double scaling) {
    int rank = Math.toIntExact(a.shape().dim(1));
    float[] values = a.floats();
    DMatrixRMaj gram = new DMatrixRMaj(rank, rank);
    for (int i = 0; i < rank; i++) {
      for (int k = 0; k < rank; k++) {
        double sum = i == k ? SMALL : 0;
        for (int row = 0; row < values.length; row += rank) {
          sum += (double) values[row + i] * values[row + k];
        }
        gram.set(i, k, sum);
      }
    }
    DMatrixRMaj inverse = new DMatrixRMaj(rank, rank);
    if (!CommonOps_DDRM.invert(gram, inverse)) {
      throw new IllegalStateException("No inverse of A'A of " + a.name());
    }
    CommonOps_DDRM.scale(1 / (scaling * scaling), inverse);
    return inverse.getData();
  }

  /** The matrix of a parameter; empty for one that steps along its own gradient. */
  Optional<double[]> of(ParameterSpec spec) {
    return Optional.ofNullable(matrices.get(spec.name()));
  }
}
