package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Weights made of other weights, without a copy on the heap. */
final class WeightParts {
  private WeightParts() {}

  /** Some columns of {@code [rows, columns]}, or some elements of a vector. */
  static Tensor columns(Tensor weight, String name, long from, long count) {
    long all = weight.shape().dim(-1);
    long rows = weight.shape().elements() / all;
    int size = weight.type().bytes();
    Shape shape = weight.shape().rank() == 1 ? Shape.of(count) : Shape.of(rows, count);
    Tensor part = ScratchTensors.zeros(name, weight.type(), shape);
    for (long row = 0; row < rows; row++) {
      MemorySegment.copy(
          weight.data(), (row * all + from) * size, part.data(), row * count * size, count * size);
    }
    return part;
  }

  /** {@code [rows, columns]} as {@code [columns, rows]}. */
  static Tensor transposed(Tensor weight, String name) {
    long rows = weight.shape().dim(0);
    long columns = weight.shape().dim(1);
    int size = weight.type().bytes();
    Tensor turned = ScratchTensors.zeros(name, weight.type(), Shape.of(columns, rows));
    for (long row = 0; row < rows; row++) {
      for (long column = 0; column < columns; column++) {
        MemorySegment.copy(
            weight.data(),
            (row * columns + column) * size,
            turned.data(),
            (column * rows + row) * size,
            size);
      }
    }
    return turned;
  }
}
