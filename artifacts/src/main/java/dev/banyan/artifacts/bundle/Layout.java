package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.Arrays;
import java.util.Locale;

/** How a file has the elements of a parameter, against its layout in the graphs. */
public enum Layout {
  /** Alike. */
  SAME,
  /** A matrix with its axes swapped, as PyTorch's linear layers keep theirs. */
  TRANSPOSED,
  /** A vector of n elements as {@code [n, 1]}. */
  COLUMN,
  /** A vector of n elements as {@code [1, n]}. */
  ROW,
  /** All axes behind the first as one. */
  FLAT;

  /** The name used in files. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The shape in the file of what has this shape in the graphs. */
  public Shape inFile(Shape inGraph) {
    return switch (this) {
      case SAME -> inGraph;
      case TRANSPOSED -> Shape.of(inGraph.dim(1), inGraph.dim(0));
      case COLUMN -> Shape.of(inGraph.dim(0), 1);
      case ROW -> Shape.of(1, inGraph.dim(0));
      case FLAT -> Shape.of(inGraph.dim(0), width(inGraph));
    };
  }

  /** Elements of a row; a shape of no rows has no elements to divide. */
  private static long width(Shape shape) {
    return shape.dims().stream().skip(1).reduce(1L, Math::multiplyExact);
  }

  /** A tensor of the graphs as the file has it. */
  public Tensor toFile(Tensor tensor) {
    return switch (this) {
      case SAME -> tensor;
      case TRANSPOSED -> tensor.transposed();
      case COLUMN, ROW, FLAT ->
          new Tensor(tensor.name(), tensor.type(), inFile(tensor.shape()), tensor.data());
    };
  }

  /**
   * The elements of a tensor of the file as the graphs have them; its shape has been checked. Which
   * axes {@link #FLAT} ones have is the parameter's to say.
   */
  public Tensor toGraph(Tensor tensor) {
    return switch (this) {
      case SAME, FLAT -> tensor;
      case TRANSPOSED -> tensor.transposed();
      case COLUMN, ROW ->
          new Tensor(
              tensor.name(), tensor.type(), Shape.of(tensor.shape().elements()), tensor.data());
    };
  }

  static Layout parse(String text) {
    return Arrays.stream(values())
        .filter(layout -> layout.text().equals(text))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("'" + text + "' is not a layout"));
  }
}
