package dev.banyan.graph.adapter;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.adapter.BaseWeight.FileKey;
import dev.banyan.graph.adapter.BaseWeight.Kind;
import dev.banyan.graph.adapter.BaseWeight.Part;
import dev.banyan.graph.adapter.BaseWeight.Place;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.ConstantCalls;
import dev.banyan.graph.site.ModulePath;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds the weights of a base by what its nodes do with them. A name would not do: exporters merge
 * equal tensors, so that all biases which are zero may be one.
 */
final class FindBaseWeights {
  private static final OpId MAT_MUL_N_BITS = OpId.microsoft("MatMulNBits");
  private static final OpId MAT_MUL_BNB4 = OpId.microsoft("MatMulBnb4");
  private static final int BIAS_OF_N_BITS = 5;

  /** Operators with a bias that is not added row by row, and the place of their bias. */
  private static final Map<String, Integer> OTHERS =
      Map.of(
          "Conv", 2,
          "ConvTranspose", 2,
          "BatchNormalization", 2,
          "InstanceNormalization", 2,
          "GroupNormalization", 2);

  private final Set<String> adapted;
  private final Map<String, BaseWeight> found = new LinkedHashMap<>();
  private final List<String> unusable = new ArrayList<>();

  /**
   * The weights of a graph.
   *
   * @param weights by name, in graph order
   * @param unusable modules with biases that cannot be trained
   */
  record Found(List<BaseWeight> weights, List<String> unusable) {}

  private FindBaseWeights(Set<String> adapted) {
    this.adapted = adapted;
  }

  /**
   * Looks at every node of a base without adapters, whose values have types.
   *
   * @param adapted paths of modules that will be adapted
   * @throws UnusableModel if two different tensors seem to be one parameter
   */
  static Found in(Graph graph, Set<String> adapted) {
    FindBaseWeights search = new FindBaseWeights(adapted);
    graph.nodes().forEach(search::look);
    return new Found(List.copyOf(search.found.values()), List.copyOf(search.unusable));
  }

  private void look(Node node) {
    switch (node.op().type()) {
      case "Gemm" -> linear(node, 2);
      case "MatMul" -> linear(node, -1);
      case "MatMulNBits" -> linear(node, BIAS_OF_N_BITS);
      case "LayerNormalization", "SimplifiedLayerNormalization" -> normalization(node);
      case "Gather" -> table(node);
      case "Mul" -> scale(node);
      case "Add" -> sum(node);
      default -> {
        Integer bias = OTHERS.get(node.op().type());
        if (bias != null && node.input(bias).isConstant()) {
          unusable.add(ModulePath.of(node) + " (" + node.op() + ")");
        }
      }
    }
  }

  private void linear(Node node, int bias) {
    if (node.input(0).isConstant() || ConstantCalls.isNoted(node)) {
      return;
    }
    String module = ModulePath.of(node);
    if (isVectorOrMatrix(node.input(1), 2) && !node.op().equals(MAT_MUL_N_BITS)) {
      add(module, Kind.LINEAR, Part.WEIGHT, new Place(node, 1));
    }
    if (bias >= 0 && isVectorOrMatrix(node.input(bias), 1)) {
      add(module, Kind.LINEAR, Part.BIAS, new Place(node, bias));
    }
  }

  private void normalization(Node node) {
    String module = ModulePath.ofUse(node, node.input(1));
    add(module, Kind.NORMALIZATION, Part.WEIGHT, new Place(node, 1));
    add(module, Kind.NORMALIZATION, Part.BIAS, new Place(node, 2));
  }

  private void table(Node node) {
    if (isVectorOrMatrix(node.input(0), 2) && TableLookUp.isOfTokens(node)) {
      Place place = new Place(node, 0);
      add(ModulePath.ofUse(node, place.value()), Kind.TABLE, Part.WEIGHT, place);
    }
  }

  /** The last part of a normalization without a bias that is spelled out. */
  private void scale(Node node) {
    vector(node)
        .filter(scale -> NormalizedValue.is(node.input(1 - scale.input())))
        .filter(scale -> node.output().users().stream().noneMatch(FindBaseWeights::addsBias))
        .ifPresent(
            scale -> {
              String module = ModulePath.ofUse(node, scale.value());
              add(module, Kind.NORMALIZATION, Part.WEIGHT, scale);
            });
  }

  private static boolean addsBias(Node node) {
    return node.op().is("Add") && vector(node).isPresent();
  }

  /** A bias behind a product, or the last part of a normalization that is spelled out. */
  private void sum(Node node) {
    Optional<Place> bias = vector(node);
    if (bias.isEmpty()) {
      return;
    }
    Optional<Node> before = node.input(1 - bias.get().input()).producer();
    Optional<Place> scale = before.filter(n -> n.op().is("Mul")).flatMap(FindBaseWeights::vector);
    if (before.filter(FindBaseWeights::isLinear).isPresent()) {
      if (!ConstantCalls.isNoted(before.get())) {
        add(ModulePath.of(before.get()), Kind.LINEAR, Part.BIAS, bias.get());
      }
    } else if (scale.isPresent()) {
      Value scaled = scale.get().node().input(1 - scale.get().input());
      Kind kind = NormalizedValue.is(scaled) ? Kind.NORMALIZATION : Kind.OTHER;
      String module = ModulePath.ofUse(node, bias.get().value());
      add(module, kind, Part.WEIGHT, scale.get());
      add(module, kind, Part.BIAS, bias.get());
    } else if (bias.get().value().name().endsWith(".bias")) {
      add(ModulePath.ofUse(node, bias.get().value()), Kind.OTHER, Part.BIAS, bias.get());
    }
  }

  /** The place of a constant vector among two inputs, if the other is computed. */
  private static Optional<Place> vector(Node node) {
    boolean first = isVectorOrMatrix(node.input(0), 1);
    boolean second = isVectorOrMatrix(node.input(1), 1);
    return first == second || node.input(first ? 1 : 0).isConstant()
        ? Optional.empty()
        : Optional.of(new Place(node, first ? 0 : 1));
  }

  private static boolean isVectorOrMatrix(Value value, int rank) {
    return value
        .constant()
        .filter(tensor -> tensor.type() == DType.FLOAT && tensor.shape().rank() == rank)
        .isPresent();
  }

  private static boolean isLinear(Node node) {
    return (node.op().is("MatMul") && !isActivation(node.input(1)))
        || (node.op().is("Gemm") && node.input(2).isNone())
        || node.op().equals(MAT_MUL_N_BITS)
        || node.op().equals(MAT_MUL_BNB4);
  }

  /** Attention multiplies what is computed; a quantized weight is computed of constants. */
  private static boolean isActivation(Value factor) {
    return !factor.isConstant()
        && factor
            .producer()
            .filter(node -> node.op().is("DequantizeLinear") && node.input(0).isConstant())
            .isEmpty();
  }

  private void add(String module, Kind kind, Part part, Place place) {
    if (!place.value().isConstant()) {
      return;
    }
    FileKey key = adapted.contains(module) ? FileKey.WRAPPED : FileKey.OWN;
    BaseWeight weight = new BaseWeight(module, part, kind, key, List.of(place));
    BaseWeight earlier = found.get(weight.name());
    if (earlier == null) {
      found.put(weight.name(), weight);
      return;
    }
    requireSame(earlier, place);
    found.put(weight.name(), earlier.alsoAt(place));
  }

  private static void requireSame(BaseWeight earlier, Place place) {
    Tensor one = earlier.value();
    Tensor other = place.value().constant().orElseThrow();
    if (!one.shape().equals(other.shape()) || one.data().mismatch(other.data()) >= 0) {
      throw new UnusableModel(
          "%s and %s read different tensors that both seem to be '%s', so it cannot be trained; leave it out of --bias and --modules-to-save, or export the model with its modules' names"
              .formatted(earlier.places().getFirst().node(), place.node(), earlier.name()));
    }
  }
}
