package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.List;

/**
 * A weight of the base that adapters may hold themselves: what PEFT's {@code bias} and {@code
 * modules_to_save} are about.
 *
 * @param module dotted path of the module
 * @param part which of its parameters it is
 * @param adapted whether the module is adapted, which PEFT then wraps
 * @param places where it is read: several if the module is called several times
 */
public record BaseWeight(String module, Part part, boolean adapted, List<Place> places) {
  /** Copies the list. */
  public BaseWeight {
    places = List.copyOf(places);
  }

  /** What a parameter is to its module. */
  public enum Part {
    /** Multiplies. */
    WEIGHT,
    /** Is added. */
    BIAS;

    /** PyTorch's name of it. */
    String text() {
      return this == WEIGHT ? "weight" : "bias";
    }
  }

  /** An input of a node. */
  public record Place(Node node, int input) {
    /** What is read there. */
    Value value() {
      return node.input(input);
    }
  }

  /** The base's own value, in the graph's orientation, under the parameter's name. */
  public Tensor value() {
    return places.getFirst().value().constant().orElseThrow().named(name());
  }

  /** The parameter's name in the graphs. */
  public String name() {
    return module + "." + part.text();
  }

  /**
   * What is trained; as is usual, what is added and what scales a normalized value is not decayed.
   */
  public ParameterSpec spec() {
    boolean matrix = value().shape().rank() == 2;
    return ParameterSpec.common(
            name(),
            value().shape().dims().stream().map(String::valueOf).toList(),
            Initializer.FROM_BASE,
            Layout.SAME)
        .stored(
            module + (adapted ? ".base_layer." : ".") + part.text(),
            matrix && !isTransposed() ? Layout.TRANSPOSED : Layout.SAME);
  }

  /** True for a matrix of a linear layer that is stored as {@code [out, in]}, as PyTorch does. */
  boolean isTransposed() {
    return places.getFirst().node().intAttribute("transB", 0) != 0;
  }
}
