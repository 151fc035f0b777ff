package dev.banyan.artifacts.combine;

import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.ejml.data.DMatrixRMaj;

/**
 * One layer of one adapter.
 *
 * @param keys its names in the file
 * @param scaling what its product is multiplied by
 * @param factors its product
 * @param ofA dimensions of A behind the rank, of a convolution {@code [in, height, width]}
 * @param ofB dimensions of B behind the rank, of a convolution {@code [1, 1]}
 */
record LoraLayer(FactorKeys keys, double scaling, Factors factors, List<Long> ofA, List<Long> ofB) {
  LoraLayer {
    ofA = List.copyOf(ofA);
    ofB = List.copyOf(ofB);
  }

  /**
   * Reads a layer.
   *
   * @param a {@code [rank, ..]}
   * @param b {@code [out, rank, ..]}
   * @throws UnusableArtifact if they are no factors of one product
   */
  static LoraLayer of(FactorKeys keys, LoraConfig config, Tensor a, Tensor b) {
    if (a.shape().rank() < 2 || b.shape().rank() < 2 || !isProduct(a.shape(), b.shape())) {
      throw new UnusableArtifact(
          keys.module(),
          "its factors are %s and %s, which have no product".formatted(a.shape(), b.shape()),
          "get the adapter again from where it was made");
    }
    int rank = Math.toIntExact(a.shape().dim(0));
    int rows = Math.toIntExact(b.shape().dim(0));
    int columns = Math.toIntExact(a.shape().elements() / rank);
    Factors factors = new Factors(matrix(a, rank, columns), matrix(b, rows, rank));
    List<Long> ofA = a.shape().dims().subList(1, a.shape().rank());
    List<Long> ofB = b.shape().dims().subList(2, b.shape().rank());
    return new LoraLayer(keys, config.scaling(keys.module()), factors, ofA, ofB);
  }

  private static boolean isProduct(Shape a, Shape b) {
    return a.dim(0) > 0
        && a.dim(0) == b.dim(1)
        && b.dims().stream().skip(2).allMatch(dim -> dim == 1);
  }

  private static DMatrixRMaj matrix(Tensor tensor, int rows, int columns) {
    float[] values = tensor.floats();
    double[] wide = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new UnusableArtifact(
            tensor.name(), "has the value " + values[i], "train the adapter again");
      }
      wide[i] = values[i];
    }
    return DMatrixRMaj.wrap(rows, columns, wide);
  }

  /** Whether another adapter's layer is of the same shape. */
  boolean fits(LoraLayer other) {
    return ofA.equals(other.ofA) && ofB.equals(other.ofB) && factors.rows() == other.factors.rows();
  }

  /** The shape of the layer's weight, for messages. */
  String weight() {
    return "[%d, %d]".formatted(factors.rows(), factors.columns());
  }

  /** Tensors of other factors for this layer. */
  List<Tensor> tensors(Factors others) {
    List<Long> dimsA = new ArrayList<>(List.of((long) others.rank()));
    dimsA.addAll(ofA);
    List<Long> dimsB = new ArrayList<>(List.of((long) others.rows(), (long) others.rank()));
    dimsB.addAll(ofB);
    return List.of(tensor(keys.ofA(), dimsA, others.a()), tensor(keys.ofB(), dimsB, others.b()));
  }

  private static Tensor tensor(String name, List<Long> dims, DMatrixRMaj matrix) {
    float[] values = new float[matrix.getNumElements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) matrix.get(i);
    }
    return Tensor.ofFloats(name, new Shape(dims), values);
  }
}
