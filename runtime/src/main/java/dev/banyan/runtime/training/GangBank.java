package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * One parameter of several adapters with a slot for each, wide enough for the largest of them. What
 * an adapter does not have of it is filled up so that it counts nothing: with zeros, and where it
 * is the bias of a label, with a score that no other comes near.
 */
final class GangBank {
  /** The softmax of it is exactly zero, and times zero it is zero. */
  private static final float NO_LABEL = -1e30f;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;

  private final ParameterSpec spec;
  private final List<TrainedParameter> adapters;
  private final Shape slot;
  private final MemorySegment values;
  private final MemorySegment gradients;

  /**
   * Room for these adapters.
   *
   * @param adapters the parameter of each, slot by slot
   * @param slot its shape with the highest rank and most labels
   * @param arena owns the memory
   */
  GangBank(ParameterSpec spec, List<TrainedParameter> adapters, Shape slot, Arena arena) {
    this.spec = spec;
    this.adapters = List.copyOf(adapters);
    this.slot = slot;
    long elements = Math.multiplyExact(adapters.size(), slot.elements());
    this.values = arena.allocate(FLOAT, elements);
    this.gradients = arena.allocate(FLOAT, elements);
    if (spec.dims().equals(List.of(ParameterSpec.LABELS))) {
      for (long i = 0; i < elements; i++) {
        values.setAtIndex(FLOAT, i, NO_LABEL);
      }
    }
  }

  /** The graph's input. */
  String name() {
    return spec.bankName();
  }

  /** The graph's output. */
  String gradientName() {
    return name() + "_grad";
  }

  /** The values as a tensor. */
  NativeTensor values(TensorScope scope) {
    return scope.view(values, DType.FLOAT, withSlots());
  }

  /** The gradients as a tensor. */
  NativeTensor gradients(TensorScope scope) {
    return scope.view(gradients, DType.FLOAT, withSlots());
  }

  private Shape withSlots() {
    long[] dims = new long[slot.rank() + 1];
    dims[0] = adapters.size();
    System.arraycopy(slot.toArray(), 0, dims, 1, slot.rank());
    return Shape.of(dims);
  }

  /** Copies a slot's parameter in, times the scaling where that belongs to it. */
  void write(int index, float scaling) {
    TrainedParameter own = adapters.get(index);
    int columns = columns(own.shape());
    long width = columns(slot);
    long from = 0;
    long to = index * slot.elements();
    while (from < own.shape().elements()) {
      copy(new Run(own.value(), from), new Run(values, to), columns, factor(scaling));
      from += columns;
      to += width;
    }
  }

  /** Copies a slot's gradient out; that of the parameter has the scaling in it once more. */
  void read(int index, float scaling) {
    TrainedParameter own = adapters.get(index);
    int columns = columns(own.shape());
    long width = columns(slot);
    long from = index * slot.elements();
    long to = 0;
    while (to < own.shape().elements()) {
      copy(new Run(gradients, from), new Run(own.gradient(), to), columns, factor(scaling));
      from += width;
      to += columns;
    }
  }

  private float factor(float scaling) {
    return spec.scaled() ? scaling : 1;
  }

  private static int columns(Shape shape) {
    return Math.toIntExact(shape.dim(-1));
  }

  /** Elements of some memory from one place on. */
  private record Run(MemorySegment memory, long start) {}

  private static void copy(Run from, Run to, int count, float factor) {
    if (factor == 1) {
      MemorySegment.copy(
          from.memory(),
          from.start() * Float.BYTES,
          to.memory(),
          to.start() * Float.BYTES,
          (long) count * Float.BYTES);
      return;
    }
    for (long i = 0; i < count; i++) {
      float value = from.memory().getAtIndex(FLOAT, from.start() + i) * factor;
      to.memory().setAtIndex(FLOAT, to.start() + i, value);
    }
  }

  /** Whether all gradients are numbers. */
  boolean isFinite() {
    float sum = 0;
    long elements = Math.multiplyExact(adapters.size(), slot.elements());
    for (long i = 0; i < elements; i++) {
      // Times zero, every finite number is zero and every other is not a number.
      sum += gradients.getAtIndex(FLOAT, i) * 0;
    }
    return sum == 0;
  }
}
