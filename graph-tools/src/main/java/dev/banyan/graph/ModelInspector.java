package dev.banyan.graph;

import dev.banyan.artifacts.integrity.WorkFolder;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.Inspection.Layer;
import dev.banyan.graph.Inspection.Port;
import dev.banyan.graph.io.NodeNotes;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.io.Simplify;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.lowering.Lower;
import dev.banyan.graph.lowering.LoweringRules;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteDiscovery;
import dev.banyan.graph.site.WeightCount;
import dev.banyan.graph.training.PoolingChoice;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;

/**
 * Looks at a model as {@code prepare} would see it: after ONNX Runtime has simplified it, with the
 * layers that fused operators hide.
 */
final class ModelInspector {
  private final OnnxFile source;

  ModelInspector(Path file) {
    source = OnnxFile.read(file);
  }

  Inspection inspect() {
    try (WorkFolder folder = WorkFolder.temporary("banyan-inspect-")) {
      Model model = OnnxReader.read(Simplify.of(source, folder.path()));
      NodeNotes.carry(source, model);
      return describe(model);
    }
  }

  private Inspection describe(Model model) {
    Graph graph = model.graph();
    TreeMap<String, Integer> operators = new TreeMap<>();
    graph.nodes().forEach(node -> operators.merge(node.op().toString(), 1, Integer::sum));
    long parameters = WeightCount.of(graph);
    Lower.whatCanBe(model, LoweringRules.standard());
    SiteDiscovery.Found found = SiteDiscovery.inspect(model);
    return new Inspection(
        String.valueOf(source.path().getFileName()),
        source.size(),
        model.opset(),
        source.irVersion(),
        parameters,
        ports(graph.inputs()),
        ports(graph.outputs()),
        found.sites().stream().map(ModelInspector::layer).toList(),
        found.unusable(),
        PoolingChoice.of(graph),
        operators);
  }

  private static List<Port> ports(List<Value> values) {
    return values.stream().map(value -> Port.of(value.name(), value.type())).toList();
  }

  private static Layer layer(Site site) {
    return new Layer(site.path(), site.inFeatures(), site.outFeatures(), site.parameters());
  }
}
