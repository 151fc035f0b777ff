package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.graph.adapter.Dropout;
import dev.banyan.graph.adapter.InsertAdapters;
import dev.banyan.graph.adapter.InsertBaseWeights;
import dev.banyan.graph.adapter.LayerMethod;
import dev.banyan.graph.adapter.ModelMethod;
import dev.banyan.graph.adapter.TextColumns;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.training.Placement.Placed;
import java.util.List;

/**
 * One adapter being inserted: first what adapts the model as a whole, which decides in which
 * columns texts stand, and by {@link #finish} what adapts layers and weights.
 */
final class TrainedPlacement {
  private final Graph graph;
  private final Placement placement;
  private final List<ParameterSpec> specs;
  private final List<Value> scalings;
  private final Dropout masks;
  private TextColumns columns;

  TrainedPlacement(Graph graph, Placement placement, boolean dropout) {
    this.graph = graph;
    this.placement = placement;
    // Asked for now: once they are inputs, weights of the base have no values to be described by.
    this.specs = placement.parameters();
    // What users feed comes before all parameters.
    this.scalings =
        placement.methods().stream().map(placed -> Placement.scaling(graph, placed)).toList();
    this.masks =
        dropout
            ? Dropout.at(placement.droppedSites(), graph, placement.tellsCompensation())
            : Dropout.none();
    this.columns = TextColumns.of(graph);
    for (Placed placed : placement.methods()) {
      if (placed.place().isPresent()) {
        ModelMethod.Place place = placed.place().get();
        Value parameter = InsertAdapters.addParameter(graph, place.parameter());
        columns = place.train(placed.builder(graph), columns, parameter);
      }
    }
  }

  /** Where texts stand. */
  TextColumns columns() {
    return columns;
  }

  /**
   * Inserts the rest.
   *
   * @return the parameters that are trained, in order
   */
  List<Value> finish() {
    InsertAdapters before = null;
    for (int i = 0; i < placement.methods().size(); i++) {
      Placed placed = placement.methods().get(i);
      if (placed.choice().method() instanceof LayerMethod method) {
        before = before == null ? new InsertAdapters(graph, method) : before.then(method);
        before.forTraining(
            placed.sites(), scalings.get(i), placed.drops() ? masks : Dropout.none());
      }
    }
    new InsertBaseWeights(graph).forTraining(placement.weights());
    return specs.stream()
        .filter(ParameterSpec::isTrained)
        .map(spec -> graph.value(spec.name()))
        .toList();
  }
}
