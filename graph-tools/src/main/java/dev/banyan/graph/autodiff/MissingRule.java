package dev.banyan.graph.autodiff;

import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.site.ModulePath;
import java.util.Set;

/** Says which operator has no gradient rule, where it is, and what helps soonest. */
final class MissingRule {
  private static final Set<String> CONTROL_FLOW = Set.of("If", "Loop", "Scan");
  private static final Set<String> RECURRENT = Set.of("LSTM", "GRU", "RNN");

  private MissingRule() {}

  /** An operator that no table has a row for. */
  static NotDifferentiable at(Node node) {
    return new NotDifferentiable(
        "No gradient rule for operator %s (%s), which lies between an adapter and the loss. %s"
            .formatted(node.op(), place(node), cure(node.op())));
  }

  /** An input that an operator's row does not mention: a newer operator set may have added it. */
  static NotDifferentiable ofInput(Node node, int index) {
    return new NotDifferentiable(
        "The gradient rule for operator %s (%s) says nothing about its input %d, '%s'. Put adapters only above it (--targets), or add to the rule as docs/add-an-op.md shows."
            .formatted(node.op(), place(node), index, node.input(index)));
  }

  private static String place(Node node) {
    return "node '%s', module %s".formatted(node.name(), ModulePath.of(node));
  }

  private static String cure(OpId op) {
    if (!op.domain().isEmpty()) {
      return "It is a fused operator: export the model without graph optimization, and optimize it after training.";
    }
    if (CONTROL_FLOW.contains(op.type())) {
      return "Export the model so that it has no control flow there (fixed options, model.eval()).";
    }
    if (RECURRENT.contains(op.type())) {
      return "Put adapters only above the recurrent layer (--targets).";
    }
    if (op.type().contains("Quantize") || op.type().endsWith("Integer")) {
      return "It computes in whole numbers: train on the float model, and quantize it after training.";
    }
    return "Put adapters only above it (--targets), or add a rule as docs/add-an-op.md shows.";
  }
}
