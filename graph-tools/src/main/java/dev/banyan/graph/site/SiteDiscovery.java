package dev.banyan.graph.site;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Finds the linear layers of a model and tells which of them can carry an adapter; and the other
 * places that can.
 */
public final class SiteDiscovery {
  /** Operators that multiply by a weight which is packed, quantized or fused into them. */
  private static final Map<OpId, String> FUSED =
      Map.of(
          OpId.microsoft("MatMulNBits"), "its weight is quantized and no constant",
          OpId.microsoft("MatMulBnb4"), "its weight is quantized to 4 bits",
          OpId.microsoft("DynamicQuantizeMatMul"), "its weight is quantized to 8 bits",
          OpId.microsoft("MatMulIntegerToFloat"), "its weight is quantized to 8 bits",
          OpId.onnx("MatMulInteger"), "its weight is quantized to 8 bits",
          OpId.onnx("QLinearMatMul"), "its weight is quantized to 8 bits",
          OpId.microsoft("Attention"), "query, key and value are fused into one operator",
          OpId.microsoft("QAttention"), "query, key and value are fused and quantized",
          OpId.microsoft("FusedMatMul"), "it is fused with its neighbours",
          OpId.microsoft("FusedGemm"), "it is fused with its neighbours");

  private final Graph graph;
  private final Set<String> paths = new HashSet<>();
  private final Map<Node, Site> sites = new HashMap<>();
  private final List<UnusableSite> unusable = new ArrayList<>();

  private SiteDiscovery(Graph graph) {
    this.graph = graph;
  }

  /**
   * The places of a model.
   *
   * @param all those that can carry an adapter of some method, in graph order
   * @param unusable linear layers and convolutions that cannot
   */
  public record Found(List<Site> all, List<UnusableSite> unusable) {
    /** Copies the lists. */
    public Found {
      all = List.copyOf(all);
      unusable = List.copyOf(unusable);
    }

    /** The linear layers that can carry an adapter, in graph order. */
    public List<Site> sites() {
      return all.stream().filter(Site::isLinear).toList();
    }

    /** What else can, in graph order. */
    public List<Site> others() {
      return all.stream().filter(site -> !site.isLinear()).toList();
    }
  }

  /** The linear layers that can carry an adapter, in graph order. */
  public static List<Site> of(Model model) {
    return inspect(model).sites();
  }

  /**
   * All places. Give it a simplified model with types: a weight that is still computed from
   * constants is not recognized, nor is a table whose indices have no type.
   */
  public static Found inspect(Model model) {
    SiteDiscovery discovery = new SiteDiscovery(model.graph());
    model.graph().nodes().forEach(discovery::look);
    // After the layers, whose names are known to users and stay theirs.
    model.graph().nodes().forEach(discovery::lookBeside);
    List<Site> inOrder =
        model.graph().nodes().stream()
            .flatMap(node -> Stream.ofNullable(discovery.sites.get(node)))
            .flatMap(discovery::withParts)
            .toList();
    return new Found(inOrder, discovery.unusable);
  }

  private Stream<Site> withParts(Site site) {
    List<Site> parts = site.isLinear() ? LayerParts.of(site) : List.of();
    boolean free = parts.stream().noneMatch(part -> paths.contains(part.path()));
    return Stream.concat(Stream.of(site), free ? parts.stream() : Stream.of());
  }

  private void look(Node node) {
    Optional<QuantizedLayer> quantized = QuantizedLayer.of(node);
    if (quantized.isPresent()) {
      look(node, quantized.get());
      return;
    }
    String fused = FUSED.get(node.op());
    if (fused != null) {
      reject(node, fused + "; use the model before such optimization");
    } else if (node.op().is("MatMul") || node.op().is("Gemm")) {
      look(node, node.input(0), node.input(1));
    }
  }

  private void look(Node node, Value input, Value weight) {
    Optional<String> dequantized = dequantized(weight);
    if (weight.isConstant() && !input.isConstant()) {
      Optional<String> problem = problem(node, weight);
      if (problem.isPresent()) {
        reject(node, problem.get());
      } else {
        accept(node, weight);
      }
    } else if (dequantized.isPresent()) {
      reject(node, dequantized.get());
    } else if (input.isConstant() && isMatrix(input)) {
      reject(node, "its weight is on the left; layers that multiply from the right are adapted");
    }
  }

  private void look(Node node, QuantizedLayer layer) {
    Optional<String> problem = inputProblem(node);
    if (problem.isPresent()) {
      reject(node, problem.get());
    } else {
      add(node, layer.inFeatures(), layer.outFeatures());
    }
  }

  private void accept(Node node, Value weight) {
    Shape shape = weight.constant().orElseThrow().shape();
    boolean transposed = node.intAttribute("transB", 0) != 0;
    add(node, shape.dim(transposed ? 1 : 0), shape.dim(transposed ? 0 : 1));
  }

  private void lookBeside(Node node) {
    EmbeddingTable.of(node, graph).ifPresent(table -> add(node, table.rows(), table.width()));
    if (Windows.areAt(node)) {
      Shape weight = node.input(1).constant().orElseThrow().shape();
      Windows.problem(node)
          .ifPresentOrElse(
              reason -> reject(node, reason), () -> add(node, weight.dim(1), weight.dim(0)));
    }
  }

  private void add(Node node, long inFeatures, long outFeatures) {
    sites.put(node, new Site(path(node), node, inFeatures, outFeatures));
  }

  private void reject(Node node, String reason) {
    unusable.add(new UnusableSite(path(node), node.op().toString(), reason));
  }

  /** Two calls of one module are two sites. */
  private String path(Node node) {
    String path = ModulePath.of(node);
    String unique = path;
    for (int number = 2; !paths.add(unique); number++) {
      unique = path + "_" + number;
    }
    return unique;
  }

  private static Optional<String> problem(Node node, Value weight) {
    if (ConstantCalls.isNoted(node)) {
      return Optional.of(
          "the model also calls it on constants, where an adapter of this layer would count too");
    }
    TensorType type = weight.knownType();
    if (type.rank() != 2) {
      return Optional.of("its weight has %d axes, not 2".formatted(type.rank()));
    }
    if (type.dtype() != DType.FLOAT) {
      return Optional.of(
          "its weight is %s; adapters are trained on float32 models".formatted(type.dtype()));
    }
    if (node.intAttribute("transA", 0) != 0) {
      return Optional.of("its input is transposed");
    }
    return inputProblem(node);
  }

  private static Optional<String> inputProblem(Node node) {
    int rank = node.input(0).type().map(TensorType::rank).orElse(2);
    return rank == 2 || rank == 3
        ? Optional.empty()
        : Optional.of(
            "its input has %d axes, not [rows, in] or [batch, sequence, in]".formatted(rank));
  }

  private static Optional<String> dequantized(Value weight) {
    return weight
        .producer()
        .filter(node -> node.op().is("DequantizeLinear") && node.input(0).isConstant())
        .map(node -> "its weight is quantized to " + node.input(0).knownType().dtype());
  }

  private static boolean isMatrix(Value value) {
    return value.knownType().rank() == 2 && value.knownType().dtype().isFloatingPoint();
  }
}
