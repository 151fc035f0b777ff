package dev.banyan.runtime.inference;

import dev.banyan.artifacts.adapter.AdapterConfig;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.OptionalInt;

/**
 * Converts the tensors of an adapter's file: in the graph's orientation, in the room for its
 * largest sizes, with the scaling multiplied in.
 *
 * @param config of the adapter
 * @param sizes of each size the largest that a layer of it has
 */
record TensorFitting(AdapterConfig config, Sizes sizes) {
  /**
   * A tensor of the file as banks and graphs take it.
   *
   * @throws dev.banyan.artifacts.integrity.UnusableArtifact if it is of another shape, or a number
   *     is not finite
   */
  Tensor of(ParameterSpec spec, Tensor found) {
    String module = AdapterTensors.module(spec, found);
    Tensor tensor = config.whole(spec, found);
    Shape shape = spec.shape(sizesOf(spec, module));
    Shape expected = spec.layout().inFile(shape);
    requireSameSide(spec, tensor);
    if (!tensor.shape().equals(expected)) {
      throw AdapterFitting.unusable(
          "'%s' is %s, the base needs %s".formatted(tensor.name(), tensor.shape(), expected),
          spec.method()
              .flatMap(config::bundleFor)
              .map("prepare a bundle with --method "::concat)
              .orElse("use the bundle of the base that it was trained on"));
    }
    Tensor laidOut = spec.layout().toGraph(scaled(spec, tensor, module));
    Tensor own = new Tensor(spec.name(), laidOut.type(), shape, laidOut.data());
    // A layer of a lower rank than others is filled up so that it says the same.
    return spec.grown(own, sizes);
  }

  /**
   * IA3 scales the input of some layers and the output of others: which, tells the shape. PEFT
   * decides it by the end of a module path, wherever a name begins, so one name may mean more
   * layers there than here.
   */
  private static void requireSameSide(ParameterSpec spec, Tensor tensor) {
    boolean input = spec.layout() == Layout.ROW;
    Shape other = (input ? Layout.COLUMN : Layout.ROW).inFile(Shape.of(tensor.shape().elements()));
    if ((input || spec.layout() == Layout.COLUMN) && tensor.shape().equals(other)) {
      throw AdapterFitting.unusable(
          "'%s' is %s, so it scales what the layer %s; this bundle scales what it %s"
              .formatted(
                  tensor.name(),
                  tensor.shape(),
                  input ? "gives" : "reads",
                  input ? "reads" : "gives"),
          "prepare a bundle with a feedforward of ia3 that %s %s"
              .formatted(input ? "leaves out" : "includes", spec.site()));
    }
  }

  /** What a layer has of each size. */
  private Sizes sizesOf(ParameterSpec spec, String module) {
    AdapterConfig part = config.partOf(spec);
    Sizes own = sizes;
    for (Size size : Size.values()) {
      OptionalInt value = part.size(size, module);
      own = value.isPresent() ? own.with(size, value.getAsInt()) : own;
    }
    return own;
  }

  /** A copy with the scaling in it. */
  private Tensor scaled(ParameterSpec spec, Tensor tensor, String module) {
    float scale =
        spec.scaled() ? (float) config.scaling(spec.method().orElseThrow().storedAs(), module) : 1;
    float[] values = tensor.floats();
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw AdapterFitting.unusable(
            "'%s' has the value %s".formatted(tensor.name(), values[i]), "train it again");
      }
      values[i] *= scale;
    }
    return Tensor.ofFloats(tensor.name(), tensor.shape(), values);
  }
}
