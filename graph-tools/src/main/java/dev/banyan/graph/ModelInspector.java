package dev.banyan.graph;

import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.integrity.WorkFolder;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.Inspection.Layer;
import dev.banyan.graph.Inspection.Port;
import dev.banyan.graph.io.NodeNotes;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.io.Simplify;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.lowering.DropPast;
import dev.banyan.graph.lowering.Lower;
import dev.banyan.graph.lowering.LoweringRules;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteDiscovery;
import dev.banyan.graph.site.WeightCount;
import dev.banyan.graph.training.PoolingChoice;
import dev.banyan.graph.types.TypeOf;
import dev.banyan.runtime.ort.OrtFailure;
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
    List<Port> inputs = ports(graph.inputs());
    List<Port> outputs = ports(graph.outputs());
    List<Pooling> poolings = PoolingChoice.of(graph);
    addTypes(model);
    Lower.whatCanBe(model, LoweringRules.standard());
    SiteDiscovery.Found found = SiteDiscovery.inspect(model);
    return new Inspection(
        String.valueOf(source.path().getFileName()),
        source.size(),
        model.opset(),
        source.irVersion(),
        parameters,
        inputs,
        outputs,
        found.sites().stream().map(ModelInspector::layer).toList(),
        found.others().stream().map(ModelInspector::layer).toList(),
        found.unusable(),
        poolings,
        operators);
  }

  /** Tables are found by types, layers without: they can be shown of a model that does not run. */
  private static void addTypes(Model model) {
    try {
      DropPast.from(model.graph());
      TypeOf.annotate(model);
    } catch (OrtFailure | UnusableModel _) {
      // 'prepare' says why; here there is more to see.
    }
  }

  private static List<Port> ports(List<Value> values) {
    return values.stream().map(value -> Port.of(value.name(), value.type())).toList();
  }

  private static Layer layer(Site site) {
    return new Layer(
        site.path(), site.kind().text(), site.inFeatures(), site.outFeatures(), site.parameters());
  }
}
