package dev.banyan.graph;

import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.site.UnusableSite;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What Banyan sees in a model.
 *
 * @param file the model file's name
 * @param bytes size of the model with its external data
 * @param opset version of ONNX's operators
 * @param irVersion version of the file format
 * @param parameters number of floating-point weights; quantized ones are not counted
 * @param inputs graph inputs by name, in order
 * @param outputs graph outputs by name, in order
 * @param layers linear layers that can carry an adapter, in graph order
 * @param others what else can, by some methods, if it is named; in graph order
 * @param unusable layers that cannot, with the reason
 * @param poolings what {@code --pooling} can be; none if the model is no encoder of text
 * @param operators how often each operator occurs after simplification, by name
 */
public record Inspection(
    String file,
    long bytes,
    int opset,
    int irVersion,
    long parameters,
    List<Port> inputs,
    List<Port> outputs,
    List<Layer> layers,
    List<Layer> others,
    List<UnusableSite> unusable,
    List<Pooling> poolings,
    SortedMap<String, Integer> operators) {
  /** What families of models call their query and value layers. */
  private static final List<List<String>> QUERY_AND_VALUE =
      List.of(
          List.of("query", "value"),
          List.of("q_lin", "v_lin"),
          List.of("q_proj", "v_proj"),
          List.of("q", "v"));

  /**
   * A graph input or output.
   *
   * @param type element type and dimensions as the file states them; empty text if it does not
   */
  public record Port(String name, String type) {
    static Port of(String name, Optional<TensorType> type) {
      return new Port(name, type.map(TensorType::toString).orElse(""));
    }
  }

  /**
   * A linear layer or another place that can carry an adapter.
   *
   * @param path its module path, which {@code --targets} matches
   * @param kind what it is
   * @param in size of the last axis of what comes in; of a table its rows
   * @param out size of the last axis of what goes out
   * @param parameters number of its weights, the bias included
   */
  public record Layer(String path, String kind, long in, long out, long parameters) {
    /** The last component of the path, as {@code --targets} usually names it. */
    public String name() {
      return path.substring(path.lastIndexOf('.') + 1);
    }
  }

  /** Copies the collections. */
  public Inspection {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    layers = List.copyOf(layers);
    others = List.copyOf(others);
    unusable = List.copyOf(unusable);
    poolings = List.copyOf(poolings);
    operators = Collections.unmodifiableSortedMap(new TreeMap<>(operators));
  }

  /**
   * What to begin with for {@code --targets}: the query and value layers, which section 7.1 of
   * "LoRA: Low-Rank Adaptation of Large Language Models" (Hu et al., 2021) found to be the best use
   * of a given number of parameters; all layers of a model that has no layers of such names;
   * nothing if none can carry an adapter.
   */
  public Optional<String> suggestedTargets() {
    if (layers.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        QUERY_AND_VALUE.stream()
            .filter(names().keySet()::containsAll)
            .findFirst()
            .map(pair -> String.join(",", pair))
            .orElse("all-linear"));
  }

  /** The names that the layers' paths end in, with how many end so. */
  public Map<String, Integer> names() {
    Map<String, Integer> names = new TreeMap<>();
    layers.forEach(layer -> names.merge(layer.name(), 1, Integer::sum));
    return names;
  }
}
