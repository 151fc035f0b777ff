package dev.banyan.graph.site;

import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The path that a node's module had in its framework, from whatever the exporter kept of it. The
 * weight's name comes late: exporters rename weights to {@code onnx::MatMul_787} and merge equal
 * ones.
 */
public final class ModulePath {
  /** A list of module paths from the root to the node, as Python prints it; by torch.export. */
  private static final String SCOPES = "pkg.torch.onnx.name_scopes";

  private static final Pattern PYTHON_STRING = Pattern.compile("'([^']*)'|\"([^\"]*)\"");

  /** The best source first. */
  private static final List<Function<Node, Optional<String>>> SOURCES =
      List.of(
          ModulePath::ofScopes,
          ModulePath::ofNodeName,
          node -> ofParameter(node.input(1), ".weight"),
          node -> Bias.of(node).flatMap(bias -> ofParameter(bias, ".bias")),
          node -> Optional.of(node.name()).filter(name -> !name.isBlank()),
          node -> Optional.of(node.output().name()));

  private ModulePath() {}

  /** The dotted path, for instance {@code encoder.layer.0.attention.self.query}. */
  public static String of(Node node) {
    return SiteKind.of(node) instanceof SiteKind.Embedding
        ? ofUse(node, node.input(0))
        : ofFirst(node);
  }

  private static String ofFirst(Node node) {
    return SOURCES.stream()
        .flatMap(source -> source.apply(node).stream())
        .findFirst()
        .orElseThrow()
        .strip()
        .replaceAll("\\s+", "_");
  }

  /**
   * The dotted path of the module whose parameter a node reads, for a node that is no linear layer.
   * The parameter's own name comes before the node's, as an optimizer renames fused nodes.
   */
  public static String ofUse(Node node, Value parameter) {
    return ofScopes(node)
        .or(() -> ofParameter(parameter, ".weight"))
        .or(() -> ofParameter(parameter, ".bias"))
        .or(() -> ofNodeName(node))
        .orElseGet(() -> ofFirst(node));
  }

  /** The last entry is the node itself, the one before it the module. */
  private static Optional<String> ofScopes(Node node) {
    List<String> scopes = new ArrayList<>();
    Matcher strings = PYTHON_STRING.matcher(node.metadata().getOrDefault(SCOPES, ""));
    while (strings.find()) {
      scopes.add(strings.group(1) != null ? strings.group(1) : strings.group(2));
    }
    return scopes.size() < 2
        ? Optional.empty()
        : Optional.of(scopes.get(scopes.size() - 2)).filter(path -> !path.isEmpty());
  }

  /** {@code /encoder/layer.0/attention/self/query/MatMul}, by tracing exporters. */
  private static Optional<String> ofNodeName(Node node) {
    List<String> parts =
        new ArrayList<>(
            Arrays.stream(node.name().split("/")).filter(part -> !part.isEmpty()).toList());
    while (parts.size() > 1 && isOperator(parts.getLast(), node)) {
      parts.removeLast();
    }
    // A sequence that is called is there with its member: layer, layer.0.
    for (int i = parts.size() - 1; i > 0; i--) {
      if (parts.get(i).matches(Pattern.quote(parts.get(i - 1)) + "\\.\\d+")) {
        parts.remove(i - 1);
      }
    }
    boolean hasPath = node.name().contains("/") && !isOperator(parts.getLast(), node);
    return hasPath ? Optional.of(String.join(".", parts)) : Optional.empty();
  }

  /** Operators have the node's type and a number; TensorFlow puts a layer of its own in between. */
  private static boolean isOperator(String part, Node node) {
    if (node.op().is("Conv")) {
      // A module is often called so too, in small letters.
      return part.matches("Conv(_.*)?");
    }
    return part.matches(
        "(?i)(" + Pattern.quote(node.op().type()) + "|MatMul|Gemm|Tensordot)(_.*)?");
  }

  /** A parameter of one node only: a merged one bears the name of another layer. */
  private static Optional<String> ofParameter(Value parameter, String suffix) {
    String name = parameter.name();
    return parameter.users().size() == 1 && name.endsWith(suffix) && name.length() > suffix.length()
        ? Optional.of(name.substring(0, name.length() - suffix.length()))
        : Optional.empty();
  }
}
