package dev.banyan.graph.autodiff;

import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.site.ModulePath;
import java.util.Set;

/** Says which operator has no gradient rule, where it is, and what helps soonest. */
final class MissingRule {
  private static final Set<String> CONTROL_FLOW = Set.of("If", "Loop", "Scan");

  private MissingRule() {}

  static NotDifferentiable at(Node node) {
    return new NotDifferentiable(
        "No gradient rule for operator %s (node '%s', module %s), which lies between an adapter and the loss. %s"
            .formatted(node.op(), node.name(), ModulePath.of(node), cure(node.op())));
  }

  private static String cure(OpId op) {
    if (!op.domain().isEmpty()) {
      return "It is a fused operator: export the model without graph optimization, and optimize it after training.";
    }
    if (CONTROL_FLOW.contains(op.type())) {
      return "Export the model so that it has no control flow there (fixed options, model.eval()).";
    }
    return "Put adapters only above it (--targets), or add a rule as docs/add-an-op.md shows.";
  }
}
