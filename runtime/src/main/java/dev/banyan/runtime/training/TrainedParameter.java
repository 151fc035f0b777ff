package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * One parameter in memory of ours: sessions read the value and write the gradient where they lie.
 *
 * <p>The arithmetic is PyTorch's, operation by operation in 32 bits, with scalars computed in 64
 * bits; the norm of the gradients is summed in 64 bits.
 */
final class TrainedParameter {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;

  /**
   * Elements that are computed at a time. Loops over arrays are quick even as the quick compiler of
   * a short run makes them; loops over native memory are twenty times slower there.
   */
  private static final int BLOCK = 4096;

  private final ParameterSpec spec;
  private final Shape shape;
  private final MemorySegment value;
  private final MemorySegment gradient;
  private final MemorySegment sum;
  private final MemorySegment mean;
  private final MemorySegment meanSquare;
  private final long elements;

  /** Zeros of this shape; the arena owns them. */
  TrainedParameter(ParameterSpec spec, Shape shape, Arena arena) {
    this.spec = spec;
    this.shape = shape;
    this.elements = shape.elements();
    this.value = arena.allocate(FLOAT, elements);
    // What stays as it is needs neither gradients nor moments.
    long learned = spec.isTrained() ? elements : 0;
    this.gradient = arena.allocate(FLOAT, learned);
    this.sum = arena.allocate(FLOAT, learned);
    this.mean = arena.allocate(FLOAT, learned);
    this.meanSquare = arena.allocate(FLOAT, learned);
  }

  /** Takes value and moments from a checkpoint; a fresh one has no moments. */
  void load(Checkpoint checkpoint) {
    Tensor start =
        checkpoint.trainable().stream()
            .filter(tensor -> tensor.name().equals(spec.name()))
            .findFirst()
            .orElseThrow();
    value.copyFrom(start.data());
    if (!spec.isTrained()) {
      return;
    }
    checkpoint
        .optimizer()
        .ifPresent(
            state -> {
              List<Tensor> moments = state.moments().get(spec.name());
              if (moments == null) {
                throw new IllegalArgumentException("No moments of '" + spec.name() + "'");
              }
              mean.copyFrom(moments.get(0).data());
              meanSquare.copyFrom(moments.get(1).data());
            });
  }

  ParameterSpec spec() {
    return spec;
  }

  Shape shape() {
    return shape;
  }

  /** The values, which a session reads. */
  MemorySegment value() {
    return value;
  }

  /** The gradient of the last batch, which a session writes. */
  MemorySegment gradient() {
    return gradient;
  }

  /** The value or the gradient as a tensor over its own memory. */
  NativeTensor view(TensorScope scope, MemorySegment elementsOf) {
    return scope.view(elementsOf, DType.FLOAT, shape);
  }

  /** Adds the gradient of the last batch to that of the step. */
  void accumulate(boolean first, float weight) {
    float[] more = block();
    float[] sums = block();
    for (long start = 0; start < elements; start += BLOCK) {
      int count = read(gradient, start, more);
      if (!first) {
        read(sum, start, sums);
      }
      for (int i = 0; i < count; i++) {
        float weighted = more[i] * weight;
        sums[i] = first ? weighted : sums[i] + weighted;
      }
      write(sums, sum, start, count);
    }
  }

  /** A copy of the step's gradient. */
  float[] sums() {
    return sum.toArray(FLOAT);
  }

  /** The sum of the squares of the step's gradient. */
  double squares() {
    double squares = 0;
    float[] sums = block();
    for (long start = 0; start < elements; start += BLOCK) {
      int count = read(sum, start, sums);
      for (int i = 0; i < count; i++) {
        double element = sums[i];
        squares += element * element;
      }
    }
    return squares;
  }

  /**
   * Multiplies the step's gradient by a matrix from the left.
   *
   * @param matrix square, row by row, of as many rows as the parameter has
   */
  void project(double[] matrix) {
    int rows = Math.toIntExact(shape.dim(0));
    float[] own = sum.toArray(FLOAT);
    float[] projected = new float[own.length];
    int columns = own.length / rows;
    for (int i = 0; i < own.length; i++) {
      double product = 0;
      for (int k = 0; k < rows; k++) {
        product += matrix[i / columns * rows + k] * own[k * columns + i % columns];
      }
      projected[i] = (float) product;
    }
    write(projected, sum, 0, own.length);
  }

  /** One AdamW update. */
  void update(AdamWStep step) {
    float[] values = block();
    float[] gradients = block();
    float[] means = block();
    float[] meanSquares = block();
    for (long start = 0; start < elements; start += BLOCK) {
      int count = read(value, start, values);
      read(sum, start, gradients);
      read(mean, start, means);
      read(meanSquare, start, meanSquares);
      for (int i = 0; i < count; i++) {
        float g = gradients[i] * step.clip();
        float m = means[i] + AdamWStep.NEWER * (g - means[i]);
        float v = meanSquares[i] * AdamWStep.OLDER_2 + AdamWStep.NEWER_2 * g * g;
        means[i] = m;
        meanSquares[i] = v;
        float denominator = (float) Math.sqrt(v) / step.root() + step.epsilon();
        values[i] = values[i] * step.keep() + step.size() * (m / denominator);
      }
      write(values, value, start, count);
      write(means, mean, start, count);
      write(meanSquares, meanSquare, start, count);
    }
  }

  private float[] block() {
    return new float[(int) Math.min(BLOCK, elements)];
  }

  /** Copies a block out of native memory, and tells how many elements it has. */
  private int read(MemorySegment from, long start, float[] block) {
    int count = (int) Math.min(block.length, elements - start);
    MemorySegment.copy(from, FLOAT, start * Float.BYTES, block, 0, count);
    return count;
  }

  private static void write(float[] block, MemorySegment to, long start, int count) {
    MemorySegment.copy(block, 0, to, FLOAT, start * Float.BYTES, count);
  }

  /** A copy of the values under the parameter's name. */
  Tensor copy() {
    return copy(spec.name(), value);
  }

  /** Copies of mean and mean square of the gradients. */
  List<Tensor> moments() {
    return List.of(copy("momentum0", mean), copy("momentum1", meanSquare));
  }

  private Tensor copy(String name, MemorySegment elementsOf) {
    MemorySegment heap = MemorySegment.ofArray(new byte[Math.toIntExact(elementsOf.byteSize())]);
    return new Tensor(name, DType.FLOAT, shape, heap.copyFrom(elementsOf));
  }
}
