package dev.banyan.graph.training;

import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Value;
import java.util.List;

/**
 * A model with one adapter, a head and a loss.
 *
 * @param model its inputs are the user's inputs and then the parameters; its outputs the loss and
 *     the prediction
 * @param loss float scalar
 * @param parameters what is trained, in graph-input order
 */
record ForwardGraph(Model model, Value loss, List<Value> parameters) {
  /** Copies the list. */
  ForwardGraph {
    parameters = List.copyOf(parameters);
  }
}
