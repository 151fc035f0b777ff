package dev.banyan.runtime.base;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The lengths of the columns of layers' weights, which some parameters start from. */
public final class BaseNorms {
  private BaseNorms() {}

  /**
   * The values of the parameters that start so, by name.
   *
   * @param specs of all methods
   */
  public static Map<String, Tensor> of(List<ParameterSpec> specs, BaseLayers layers) {
    Map<String, Tensor> bySite = new HashMap<>();
    Map<String, Tensor> values = new HashMap<>();
    for (ParameterSpec spec : specs) {
      if (spec.init() == Initializer.BASE_NORM) {
        Tensor norms = bySite.computeIfAbsent(spec.site(), site -> ofColumns(layers.weight(site)));
        values.put(spec.name(), norms.named(spec.name()));
      }
    }
    return values;
  }

  /**
   * The Euclidean lengths of the columns of a matrix, summed in double precision.
   *
   * @param matrix float {@code [rows, columns]}
   */
  public static Tensor ofColumns(Tensor matrix) {
    int columns = Math.toIntExact(matrix.shape().dim(1));
    float[] values = matrix.floats();
    double[] squares = new double[columns];
    for (int i = 0; i < values.length; i++) {
      squares[i % columns] += (double) values[i] * values[i];
    }
    float[] norms = new float[columns];
    for (int i = 0; i < columns; i++) {
      norms[i] = (float) Math.sqrt(squares[i]);
    }
    return Tensor.ofFloats(matrix.name(), Shape.of(columns), norms);
  }
}
