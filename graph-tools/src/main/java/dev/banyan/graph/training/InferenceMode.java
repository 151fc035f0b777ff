package dev.banyan.graph.training;

import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.lang.foreign.ValueLayout;

/**
 * Refuses a base that was exported while its framework trained: it drops elements at random and
 * normalizes with the statistics of the batch, when it is served too.
 */
final class InferenceMode {
  private InferenceMode() {}

  /**
   * Checks every node.
   *
   * @throws UnusableModel naming the node and how to export the model
   */
  static void require(Graph base) {
    for (Node node : base.nodes()) {
      if (trains(node)) {
        throw new UnusableModel(
            "%s is in training mode; export the model for inference (model.eval() in PyTorch)"
                .formatted(node));
      }
    }
  }

  private static boolean trains(Node node) {
    return switch (node.op().toString()) {
      case "Dropout" -> isTrue(node.input(2));
      case "BatchNormalization" ->
          node.intAttribute("training_mode", 0) != 0 || node.outputs().size() > 1;
      default -> false;
    };
  }

  private static boolean isTrue(Value flag) {
    return flag.constant()
        .map(tensor -> tensor.data().get(ValueLayout.JAVA_BYTE, 0) != 0)
        .orElse(false);
  }
}
