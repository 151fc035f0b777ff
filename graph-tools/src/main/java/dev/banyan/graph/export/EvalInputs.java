package dev.banyan.graph.export;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What a model reads beside texts: the adapter, and zeros where only the loss reads it. */
final class EvalInputs {
  private final Map<String, ParameterSpec> parameters = new HashMap<>();
  private final AdapterWeights weights;
  private final BaseValues base;

  EvalInputs(Bundle bundle, AdapterWeights weights) {
    bundle.manifest().parameters().forEach(spec -> parameters.put(spec.name(), spec));
    this.weights = weights;
    this.base = BaseValues.of(bundle);
  }

  /** Where a run's inputs are. */
  record Memory(TensorScope scope, Arena arena) {}

  /** Sizes of a batch: its texts, and the tokens of each. */
  record Axes(int rows, int length) {}

  /**
   * The tensor for an input.
   *
   * @param bare true for the base without its adapter, but for the head
   */
  NativeTensor of(TensorPort port, Axes axes, Memory memory, boolean bare) {
    ParameterSpec spec = parameters.get(port.name());
    if (spec != null) {
      return parameter(spec, bare, memory.scope());
    }
    // The scaling is in the weights already.
    return port.name().endsWith("_scaling")
        ? ones(port, memory.scope())
        : zeros(port, axes, memory);
  }

  private static NativeTensor ones(TensorPort port, TensorScope scope) {
    Shape shape = new Shape(port.dims());
    float[] values = new float[Math.toIntExact(shape.elements())];
    Arrays.fill(values, 1);
    return scope.floats(values, shape.toArray());
  }

  /** A layer that the adapter leaves alone has zeros, a weight of the base its own value. */
  private NativeTensor parameter(ParameterSpec spec, boolean bare, TensorScope scope) {
    boolean left = bare && spec.method().isPresent();
    Tensor own = left ? null : weights.tensors().get(spec.name());
    Tensor tensor = own == null ? base.neutral(spec, weights.sizes()) : own;
    return scope.floats(tensor.floats(), tensor.shape().toArray());
  }

  /** What only the loss reads, such as labels. */
  private static NativeTensor zeros(TensorPort port, Axes axes, Memory memory) {
    List<Long> dims = new ArrayList<>();
    for (int axis = 0; axis < port.dims().size(); axis++) {
      long size = port.dims().get(axis);
      dims.add(size >= 0 ? size : size(port.symbols().get(axis), axes));
    }
    Shape shape = new Shape(dims);
    return memory
        .scope()
        .view(memory.arena().allocate(port.type().bytes(shape.elements()), 64), port.type(), shape);
  }

  private static long size(String axis, Axes axes) {
    return switch (axis) {
      case "batch" -> axes.rows();
      case "sequence" -> axes.length();
      default -> 1;
    };
  }
}
