package dev.banyan.graph.adapter;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.adapter.MergeableMethod.Layer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** What an adapter adds to the weight of a layer, where that is no product of thin matrices. */
@FunctionalInterface
interface WeightDelta {
  /** What it adds to the weight from an input to an output, in double precision. */
  double at(int input, int output);

  /**
   * The layer's weights with it. A Gemm multiplies its product by alpha, and the adapter's was
   * added behind that.
   *
   * @param allocator where the new weight is
   */
  default LayerWeights addedTo(Layer layer, SegmentAllocator allocator) {
    ValueLayout.OfFloat floats =
        ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    double factor = 1.0 / layer.node().realAttribute("alpha", 1);
    boolean transposed = layer.node().intAttribute("transB", 0) != 0;
    Tensor weight = layer.weights().weight();
    MemorySegment result = allocator.allocate(weight.data().byteSize(), Float.BYTES);
    int rows = Math.toIntExact(weight.shape().dim(0));
    int columns = Math.toIntExact(weight.shape().dim(1));
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        double delta = transposed ? at(column, row) : at(row, column);
        long place = (long) row * columns + column;
        float own = weight.data().getAtIndex(floats, place);
        result.setAtIndex(floats, place, (float) (own + factor * delta));
      }
    }
    return layer.weights().with(new Tensor(weight.name(), DType.FLOAT, weight.shape(), result));
  }
}
