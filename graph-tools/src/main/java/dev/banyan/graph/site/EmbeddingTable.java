package dev.banyan.graph.site;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A table whose rows a model looks up for each token of each text. Biases between positions are of
 * no text, and sines and cosines of positions are no weights; they are not taken for such.
 *
 * @param rows number of rows
 * @param width elements of a row
 */
record EmbeddingTable(long rows, long width) {
  /** Behind a look-up of what is no embedding: it is spread over heads. */
  private static final String SPREADING = "Unsqueeze";

  /** The table that a node of a graph with types looks rows up in, if it is such a node. */
  static Optional<EmbeddingTable> of(Node node, Graph graph) {
    if (!(SiteKind.of(node) instanceof SiteKind.Embedding) || !isOfTexts(node, graph)) {
      return Optional.empty();
    }
    OptionalLong width = width(node);
    return node.input(0)
        .constant()
        .filter(table -> table.shape().rank() == 2 && width.isPresent())
        .map(table -> new EmbeddingTable(table.shape().dim(0), width.getAsLong()));
  }

  private static OptionalLong width(Node node) {
    return node.output().type().stream()
        .filter(type -> type.dtype() == DType.FLOAT && type.rank() == 3)
        .flatMap(type -> type.dim(-1) instanceof Dim.Known known ? Stream.of(known) : Stream.of())
        .mapToLong(Dim.Known::size)
        .findFirst();
  }

  private static boolean isOfTexts(Node node, Graph graph) {
    Value ids = node.input(1);
    Optional<TensorType> type = ids.type().filter(t -> t.rank() == 2);
    boolean byRow = node.intAttribute("axis", 0) == 0 && node.intAttribute("gather_axis", 0) == 0;
    List<Node> users = node.output().users();
    return byRow
        && !ids.isConstant()
        && type.filter(t -> graph.inputs().contains(ids) || isOfTexts(t, users, batches(graph)))
            .isPresent()
        && users.stream().noneMatch(user -> user.op().is(SPREADING));
  }

  /** {@code [batch, sequence]}, or {@code [1, sequence]} for positions that all texts share. */
  private static boolean isOfTexts(TensorType ids, List<Node> users, Set<Dim> batches) {
    if (ids.dim(0).isKnownToBe(1) || batches.contains(ids.dim(0))) {
      return !ids.dim(0).equals(ids.dim(1)) || ids.dim(0).isKnownToBe(1);
    }
    // Of what is not known, only a sum with other embeddings shows that it is by text.
    return users.stream().allMatch(user -> user.op().is("Add"));
  }

  private static Set<Dim> batches(Graph graph) {
    return graph.inputs().stream()
        .flatMap(input -> input.type().stream())
        .filter(type -> type.rank() > 1)
        .map(type -> type.dim(0))
        .collect(Collectors.toSet());
  }
}
