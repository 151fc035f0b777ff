package dev.banyan.graph.site;

import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Finds the constant bias of a linear layer. */
final class Bias {
  private Bias() {}

  static Optional<Value> of(Node linear) {
    OptionalInt place = place(linear);
    if (place.isPresent() && !linear.input(place.getAsInt()).isNone()) {
      return Optional.of(linear.input(place.getAsInt())).filter(Value::isConstant);
    }
    List<Node> users = linear.output().users();
    boolean layer = SiteKind.of(linear) instanceof SiteKind.Linear;
    if (!layer || users.size() != 1 || !users.getFirst().op().is("Add")) {
      return Optional.empty();
    }
    return users.getFirst().inputs().stream().filter(Bias::isVector).findFirst();
  }

  /** The place of a bias among the inputs of a node whose operator can add one. */
  static OptionalInt place(Node linear) {
    if (linear.op().is("Gemm") || linear.op().is("Conv")) {
      return OptionalInt.of(2);
    }
    return linear.op().equals(OpId.microsoft("MatMulNBits"))
        ? OptionalInt.of(5)
        : OptionalInt.empty();
  }

  /** The output of the layer with its bias. */
  static Value end(Node linear) {
    List<Node> users = linear.output().users();
    boolean inside = place(linear).stream().anyMatch(at -> !linear.input(at).isNone());
    boolean apart = !inside && of(linear).isPresent() && users.size() == 1;
    return apart && users.getFirst().op().is("Add") ? users.getFirst().output() : linear.output();
  }

  private static boolean isVector(Value value) {
    return value.constant().filter(tensor -> tensor.shape().rank() == 1).isPresent();
  }
}
