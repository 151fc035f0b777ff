package dev.banyan.graph.ir;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Element type and dimensions of a value.
 *
 * @param dtype element type
 * @param dims dimensions, outermost first; their number is always known
 */
public record TensorType(DType dtype, List<Dim> dims) {
  /** Copies the dimensions. */
  public TensorType {
    dims = List.copyOf(dims);
  }

  /** A type with these dimensions. */
  public static TensorType of(DType dtype, Dim... dims) {
    return new TensorType(dtype, List.of(dims));
  }

  /** The type of a tensor of this shape. */
  public static TensorType of(DType dtype, Shape shape) {
    List<Dim> dims = new ArrayList<>();
    for (long dim : shape.dims()) {
      dims.add(Dim.of(dim));
    }
    return new TensorType(dtype, dims);
  }

  /** Number of dimensions. */
  public int rank() {
    return dims.size();
  }

  /** The dimension at this axis; negative axes count from the end. */
  public Dim dim(int axis) {
    return dims.get(axis < 0 ? axis + dims.size() : axis);
  }

  /** The shape, if every dimension is known. */
  public Optional<Shape> shape() {
    List<Long> sizes = new ArrayList<>();
    for (Dim dim : dims) {
      if (!(dim instanceof Dim.Known known)) {
        return Optional.empty();
      }
      sizes.add(known.size());
    }
    return Optional.of(new Shape(sizes));
  }

  @Override
  public String toString() {
    return dtype.name().toLowerCase(java.util.Locale.ROOT) + dims;
  }
}
