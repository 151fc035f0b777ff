package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The layers that can be adapted, each alone and without its bias, in whatever form their weights
 * are: {@link Bundle#LAYERS_MODEL}.
 *
 * <table>
 * <caption>Inputs and outputs of each</caption>
 * <tr><td>{@code <site>.rows}</td><td>float {@code [rows, in]}</td></tr>
 * <tr><td>out: {@code <site>.products}</td><td>float {@code [rows, out]}</td></tr>
 * </table>
 */
final class LayersGraph {
  private static final String ROWS = ".rows";
  private static final String PRODUCTS = ".products";

  private LayersGraph() {}

  /**
   * Writes the graph, if there are linear layers that are adapted.
   *
   * @param base read for this call; it is rewritten
   */
  static void write(BaseGraph base, BundleRecipe recipe, OnnxWriter graphs, Path file) {
    Placement placement = recipe.place(base.model());
    if (!placement.layers().isEmpty()) {
      graphs.write(of(base, placement), file);
    }
  }

  private static Model of(BaseGraph base, Placement placement) {
    Graph graph = base.graph();
    List<Value> outputs = new ArrayList<>();
    for (Site site : placement.layers()) {
      Dim rows = Dim.of("rows_" + outputs.size());
      Value input =
          graph.addInput(
              site.path() + ROWS, TensorType.of(DType.FLOAT, rows, Dim.of(site.inFeatures())));
      site.node().replaceInput(0, input);
      Site.biasPlace(site.node()).ifPresent(at -> site.node().replaceInput(at, Value.NONE));
      outputs.add(
          base.named(site.path() + PRODUCTS, site.output())
              .withType(TensorType.of(DType.FLOAT, rows, Dim.of(site.outFeatures()))));
    }
    Model layers = base.finished(outputs);
    List.copyOf(graph.inputs()).stream()
        .filter(input -> input.users().isEmpty())
        .forEach(graph::removeUnused);
    return layers;
  }
}
