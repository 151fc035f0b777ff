package dev.banyan.graph.site;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.Optional;

/** Tells the convolutions that can carry an adapter from others. */
final class Windows {
  private Windows() {}

  /** Whether a node is a convolution with a weight of its own. */
  static boolean areAt(Node node) {
    return node.op().is("Conv") && !node.input(0).isConstant() && node.input(1).isConstant();
  }

  /** Why such a convolution cannot carry an adapter. */
  static Optional<String> problem(Node convolution) {
    Value weight = convolution.input(1);
    TensorType type = weight.knownType();
    if (type.rank() != 4) {
      return Optional.of(
          "it is a %d-D convolution; adapters are for those over images, 2-D ones"
              .formatted(type.rank() - 2));
    }
    if (type.dtype() != DType.FLOAT) {
      return Optional.of(
          "its weight is %s; adapters are trained on float32 models".formatted(type.dtype()));
    }
    long groups = convolution.intAttribute("group", 1);
    if (groups != 1) {
      return Optional.of("it is a convolution of %d groups".formatted(groups));
    }
    boolean dense =
        convolution.intsAttribute("dilations").stream()
            .flatMap(gaps -> gaps.stream())
            .allMatch(gap -> gap == 1);
    return dense ? Optional.empty() : Optional.of("it is a convolution with gaps in its windows");
  }
}
