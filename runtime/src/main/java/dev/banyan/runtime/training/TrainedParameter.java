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
    for (long i = 0; i < elements; i++) {
      float more = gradient.getAtIndex(FLOAT, i) * weight;
      sum.setAtIndex(FLOAT, i, first ? more : sum.getAtIndex(FLOAT, i) + more);
    }
  }

  /** The sum of the squares of the step's gradient. */
  double squares() {
    double squares = 0;
    for (long i = 0; i < elements; i++) {
      double element = sum.getAtIndex(FLOAT, i);
      squares += element * element;
    }
    return squares;
  }

  /**
   * One AdamW update.
   *
   * @param step number of this update, from 1
   * @param rate step size of this parameter
   * @param decay weight decay of this parameter
   * @param factor what the gradient is multiplied by first, for clipping
   */
  void update(long step, double rate, double decay, double factor) {
    float keep = (float) (1 - rate * decay);
    float clip = (float) factor;
    float newer = (float) (1 - AdamW.BETA_1);
    float older2 = (float) AdamW.BETA_2;
    float newer2 = (float) (1 - AdamW.BETA_2);
    float size = (float) (-rate / (1 - Math.pow(AdamW.BETA_1, (double) step)));
    float root = (float) Math.sqrt(1 - Math.pow(AdamW.BETA_2, (double) step));
    float epsilon = (float) AdamW.EPSILON;
    for (long i = 0; i < elements; i++) {
      float g = sum.getAtIndex(FLOAT, i) * clip;
      float m = mean.getAtIndex(FLOAT, i);
      m = m + newer * (g - m);
      float v = meanSquare.getAtIndex(FLOAT, i) * older2 + newer2 * g * g;
      mean.setAtIndex(FLOAT, i, m);
      meanSquare.setAtIndex(FLOAT, i, v);
      float kept = value.getAtIndex(FLOAT, i) * keep;
      float denominator = (float) Math.sqrt(v) / root + epsilon;
      value.setAtIndex(FLOAT, i, kept + size * (m / denominator));
    }
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
