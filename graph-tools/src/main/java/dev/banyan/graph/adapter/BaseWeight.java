package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * A weight of the base that adapters may hold themselves: what PEFT's {@code bias} and {@code
 * modules_to_save} are about, and the methods that train weights.
 *
 * @param module dotted path of the module
 * @param part which of its parameters it is
 * @param kind what its module is
 * @param key how files name it
 * @param places where it is read: several if the module is called several times
 */
public record BaseWeight(String module, Part part, Kind kind, FileKey key, List<Place> places) {
  /** Copies the list. */
  public BaseWeight {
    places = List.copyOf(places);
  }

  /** What a parameter is to its module. */
  public enum Part {
    /** Multiplies, or is looked up. */
    WEIGHT,
    /** Is added. */
    BIAS;

    /** PyTorch's name of it. */
    String text() {
      return this == WEIGHT ? "weight" : "bias";
    }
  }

  /** What a module does. */
  public enum Kind {
    /** Multiplies by a matrix. */
    LINEAR,
    /** Scales what it has normalized. */
    NORMALIZATION,
    /** Looks rows up: embeddings of tokens, positions or types. */
    TABLE,
    /** Something else, of which only a vector is known. */
    OTHER
  }

  /** What files put between the path of a module and the name of its parameter. */
  public enum FileKey {
    /** Nothing: the parameter's own name in the base. */
    OWN("."),
    /** PEFT's name for the layer that it has wrapped. */
    WRAPPED(".base_layer."),
    /** PEFT's name for a copy of a normalization. */
    NORMALIZATION(".ln_tuning_layers.");

    private final String between;

    FileKey(String between) {
      this.between = between;
    }
  }

  /** An input of a node. */
  public record Place(Node node, int input) {
    /** What is read there. */
    public Value value() {
      return node.input(input);
    }
  }

  /** Whether the module is adapted, which PEFT then wraps. */
  public boolean adapted() {
    return key == FileKey.WRAPPED;
  }

  /** The same under another name in files. */
  BaseWeight under(FileKey other) {
    return new BaseWeight(module, part, kind, other, places);
  }

  /** The same that is read at another place too. */
  BaseWeight alsoAt(Place place) {
    List<Place> all = new ArrayList<>(places);
    all.add(place);
    return new BaseWeight(module, part, kind, key, all);
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
    return ParameterSpec.common(
            name(),
            value().shape().dims().stream().map(String::valueOf).toList(),
            Initializer.FROM_BASE,
            Layout.SAME)
        .stored(module + key.between + part.text(), layout());
  }

  /** PyTorch keeps a linear layer's matrix as {@code [out, in]}, and a table as the graph does. */
  private Layout layout() {
    boolean matrix = kind == Kind.LINEAR && part == Part.WEIGHT;
    return matrix && !isTransposed() ? Layout.TRANSPOSED : Layout.SAME;
  }

  /** True for a matrix of a linear layer that is stored as {@code [out, in]}, as PyTorch does. */
  boolean isTransposed() {
    return places.getFirst().node().intAttribute("transB", 0) != 0;
  }
}
