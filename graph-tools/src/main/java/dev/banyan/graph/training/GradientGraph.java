package dev.banyan.graph.training;

import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Value;
import java.util.List;

/**
 * A forward graph and its backward pass.
 *
 * @param model its outputs are the loss, the prediction and the gradients
 * @param parameters what is trained, in graph-input order
 * @param gradients of the loss, one for each parameter, {@code <parameter>_grad}
 */
record GradientGraph(Model model, List<Value> parameters, List<Value> gradients) {
  /** Copies the lists. */
  GradientGraph {
    parameters = List.copyOf(parameters);
    gradients = List.copyOf(gradients);
  }
}
