package dev.banyan.graph.site;

import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Optional;

/** Finds the constant bias of a linear layer. */
final class Bias {
  private Bias() {}

  static Optional<Value> of(Node linear) {
    if (linear.op().is("Gemm")) {
      return Optional.of(linear.input(2)).filter(Value::isConstant);
    }
    if (linear.op().equals(OpId.microsoft("MatMulNBits")) && linear.input(5).isConstant()) {
      return Optional.of(linear.input(5));
    }
    List<Node> users = linear.output().users();
    if (users.size() != 1 || !users.getFirst().op().is("Add")) {
      return Optional.empty();
    }
    return users.getFirst().inputs().stream().filter(Bias::isVector).findFirst();
  }

  /** The output of the layer with its bias. */
  static Value end(Node linear) {
    List<Node> users = linear.output().users();
    boolean apart = !linear.op().is("Gemm") && of(linear).isPresent() && users.size() == 1;
    return apart && users.getFirst().op().is("Add") ? users.getFirst().output() : linear.output();
  }

  private static boolean isVector(Value value) {
    return value.constant().filter(tensor -> tensor.shape().rank() == 1).isPresent();
  }
}
