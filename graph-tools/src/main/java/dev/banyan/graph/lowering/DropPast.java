package dev.banyan.graph.lowering;

import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Takes the past away from a decoder: its inputs of earlier keys and values, as if their length
 * were 0, and its outputs of keys and values to go on from. What is left reads whole texts, as
 * training does; the attention mask is as long as the text.
 */
public final class DropPast {
  private static final String PAST = "past";
  private static final String PRESENT = "present";

  /** Operators that take the past as optional inputs. */
  private static final Set<OpId> ATTENTION =
      Set.of(
          OpId.microsoft("GroupQueryAttention"),
          OpId.microsoft("MultiHeadAttention"),
          OpId.microsoft("DecoderMaskedMultiHeadAttention"),
          OpId.microsoft("Attention"),
          OpId.onnx("Attention"));

  private final Graph graph;

  private DropPast(Graph graph) {
    this.graph = graph;
  }

  /** True if the graph has inputs of the past. */
  public static boolean concerns(Graph graph) {
    return graph.inputs().stream().anyMatch(DropPast::isPast);
  }

  /**
   * Rewrites the graph in place; one without a past stays as it is.
   *
   * @throws UnusableModel if the past is read by something else than attention, a {@code Concat}
   *     with the present or a {@code Shape}
   */
  public static void from(Graph graph) {
    if (concerns(graph)) {
      new DropPast(graph).run();
    }
  }

  private void run() {
    graph.setOutputs(
        graph.outputs().stream().filter(output -> !output.name().startsWith(PRESENT)).toList());
    for (Value input : List.copyOf(graph.inputs())) {
      if (isPast(input)) {
        for (Node user : input.users()) {
          detach(user, input);
        }
        graph.removeUnused(input);
      }
    }
    RemoveUnused.from(graph);
    graph.find("input_ids").ifPresent(this::alignAxes);
  }

  private static boolean isPast(Value input) {
    return input.name().startsWith(PAST);
  }

  private void detach(Node user, Value past) {
    if (ATTENTION.contains(user.op())) {
      user.replaceInput(user.inputs().indexOf(past), Value.NONE);
    } else if (user.op().is("Concat") && user.inputs().size() == 2) {
      Value present = user.input(user.input(0) == past ? 1 : 0);
      graph.replaceUses(user.output(), present);
      graph.removeNode(user);
    } else if (user.op().is("Shape") && user.attributes().isEmpty()) {
      graph.replaceUses(user.output(), emptyShape(past));
      graph.removeNode(user);
    } else {
      throw new UnusableModel(
          "The input '%s' is read by %s; Banyan can take a past away that only attention, a Concat with the present or a Shape reads: export the decoder without a past"
              .formatted(past, user));
    }
  }

  /** {@code [batch, heads, 0, head size]}; the batch is the only axis that is not fixed. */
  private Value emptyShape(Value past) {
    GraphBuilder b = new GraphBuilder(graph, "banyan/no_past");
    List<Value> sizes = new ArrayList<>();
    List<Dim> dims = past.knownType().dims();
    for (int axis = 0; axis < dims.size(); axis++) {
      if (dims.get(axis) instanceof Dim.Known(long size)) {
        sizes.add(b.longs(size));
      } else if (axis == 0) {
        sizes.add(b.op("Gather", b.op("Shape", graph.value("input_ids")), b.longs(0)));
      } else {
        sizes.add(b.longs(0));
      }
    }
    return b.op("Concat", Map.of("axis", Attribute.of(0L)), sizes.toArray(Value[]::new));
  }

  /** Every input of {@code [batch, some length]} has the length of the text now. */
  private void alignAxes(Value ids) {
    TensorType type = ids.knownType();
    for (Value input : graph.inputs()) {
      TensorType own = input.knownType();
      if (own.rank() == type.rank() && !(own.dim(-1) instanceof Dim.Known)) {
        input.withType(new TensorType(own.dtype(), type.dims()));
      }
    }
  }
}
