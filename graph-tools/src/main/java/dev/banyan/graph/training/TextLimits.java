package dev.banyan.graph.training;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
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
  private static final OpId LOOK_UP_FEW_BITS = OpId.microsoft("GatherBlockQuantized");
  private static final int DEFAULT_LENGTH = 256;

  /** Models that count tokens number them from two on: 0 and the padding's 1 are set aside. */
  private static final long SET_ASIDE = 2;

  /**
   * Finds the tables of a simplified model.
   *
   * @throws UnusableModel if there is no table of tokens
   */
  static TextLimits of(Graph graph) {
    Value ids = EncoderPorts.of(graph).ids();
    long vocabulary =
        graph.nodes().stream()
            .filter(node -> isTable(node) && indexedBy(node.input(1)) == ids)
            .findFirst()
            .map(TextLimits::rows)
            .orElseThrow(
                () ->
                    new UnusableModel(
                        "The model has no token embedding: no Gather of a constant float [tokens,"
                            + " size] by 'input_ids'"));
    boolean counts = graph.nodes().stream().anyMatch(node -> node.op().is("CumSum"));
    OptionalLong positions =
        graph.nodes().stream()
            .filter(node -> isTable(node) && isOfPositions(node))
            .mapToLong(node -> rows(node) - (counts ? SET_ASIDE : 0))
            .min();
    return new TextLimits(vocabulary, positions);
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
    if (node.op().equals(LOOK_UP_FEW_BITS)) {
      return node.intAttribute("gather_axis", 0) == 0 && node.input(0).isConstant();
    }
    Optional<Tensor> table = node.input(0).constant();
    return node.op().is("Gather")
        && node.intAttribute("axis", 0) == 0
        && table.filter(t -> t.type() == DType.FLOAT && t.shape().rank() == 2).isPresent();
  }

  /** The value behind casts. */
  private static Value indexedBy(Value index) {
    Value at = index;
    while (at.producer().filter(p -> p.op().is("Cast") || p.op().is("Identity")).isPresent()) {
      at = at.producer().orElseThrow().input(0);
    }
    return at;
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
