package dev.banyan.graph.training;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.adapter.TokenTable;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What texts a model can take, told by the sizes of its embedding tables.
 *
 * @param vocabulary number of tokens that have an embedding
 * @param positions most tokens of a text, if the model has a table of positions
 */
record TextLimits(long vocabulary, OptionalLong positions) {
  private static final int DEFAULT_LENGTH = 256;

  /** Models that count tokens number them from two on: 0 and the padding's 1 are set aside. */
  private static final long SET_ASIDE = 2;

  /**
   * Finds the tables of a simplified model.
   *
   * @throws UnusableModel if there is no table of tokens
   */
  static TextLimits of(Graph graph) {
    long vocabulary =
        TokenTable.of(graph)
            .map(table -> rows(table.node()))
            .orElseThrow(
                () ->
                    new UnusableModel(
                        "The model has no token embedding: no Gather of a constant [tokens, size]"
                            + " by 'input_ids'"));
    boolean counts = graph.nodes().stream().anyMatch(node -> node.op().is("CumSum"));
    OptionalLong positions =
        graph.nodes().stream()
            .filter(node -> isTable(node) && isOfPositions(node))
            .mapToLong(node -> rows(node) - (counts ? SET_ASIDE : 0))
            .min();
    return new TextLimits(vocabulary, positions);
  }

  /** {@link #positions} as a manifest has them. */
  OptionalInt most() {
    return most(positions);
  }

  /** A bound that can be reached. */
  static OptionalInt most(OptionalLong positions) {
    return positions.stream().mapToInt(Math::toIntExact).findFirst();
  }

  /**
   * The length after which texts are cut.
   *
   * @param asked what the user wants, if anything
   * @throws UnusableModel if the model has fewer positions than were asked for
   */
  int maxLength(OptionalInt asked) {
    return maxLength(asked, positions, DEFAULT_LENGTH);
  }

  /**
   * The same for a model of this many positions.
   *
   * @param otherwise the length where none is asked for and the model has that many
   */
  static int maxLength(OptionalInt asked, OptionalLong positions, int otherwise) {
    long most = positions.orElse(Integer.MAX_VALUE);
    if (asked.isPresent() && (asked.getAsInt() > most || asked.getAsInt() < 1)) {
      throw new UnusableModel(
          "--max-length %d does not fit: the model has positions for 1 to %d tokens"
              .formatted(asked.getAsInt(), most));
    }
    return asked.orElse((int) Math.min(otherwise, most));
  }

  private static boolean isTable(Node node) {
    Optional<Tensor> table = node.input(0).constant();
    return node.op().is("Gather")
        && node.intAttribute("axis", 0) == 0
        && table.filter(t -> t.type() == DType.FLOAT && t.shape().rank() == 2).isPresent();
  }

  private static boolean isOfPositions(Node node) {
    String names = (node.name() + " " + node.input(0).name()).toLowerCase(Locale.ROOT);
    return names.contains("position_embedding") || names.contains("position/embedding");
  }

  private static long rows(Node table) {
    Shape shape = table.input(0).constant().orElseThrow().shape();
    return shape.dim(0);
  }
}
