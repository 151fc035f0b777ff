package dev.banyan.graph.io;

import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.onnx.ExternalLocation;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.TensorProtos;
import dev.banyan.artifacts.onnx.proto.GraphProto;
import dev.banyan.artifacts.onnx.proto.ModelProto;
import dev.banyan.artifacts.onnx.proto.NodeProto;
import dev.banyan.artifacts.onnx.proto.OperatorSetIdProto;
import dev.banyan.artifacts.onnx.proto.StringStringEntryProto;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Turns graphs into ONNX files. Big constants go to one data file that all graphs written by the
 * same writer share: a constant of the same name is written once. Equal graphs give equal bytes.
 *
 * <pre>{@code
 * try (var weights = new ExternalDataWriter(folder.resolve("base.onnx.data"))) {
 *   var writer = new OnnxWriter(weights);
 *   writer.write(training, folder.resolve("training_model.onnx"));
 *   writer.write(serving, folder.resolve("serving_model.onnx"));
 * }
 * }</pre>
 */
public final class OnnxWriter {
  /** Constants of at least this many bytes are external: the smallest size ORT does that for. */
  private static final long EXTERNAL_BYTES = 1024;

  private final WeightPlacement placement;

  /** Says where constants go. */
  @FunctionalInterface
  public interface WeightPlacement {
    /** Where a constant's bytes lie beside the model; empty if they are to be in it. */
    Optional<ExternalLocation> of(Tensor constant);
  }

  /** A writer that asks for each constant where it goes. */
  public OnnxWriter(WeightPlacement placement) {
    this.placement = placement;
  }

  /** A writer whose big constants go to this data file, which must lie beside the models. */
  public OnnxWriter(ExternalDataWriter weights) {
    this(beside(weights));
  }

  /** A writer of models that hold all their constants themselves: below 2 GiB. */
  public static OnnxWriter selfContained() {
    return new OnnxWriter(constant -> Optional.empty());
  }

  /** Big constants in a data file. */
  public static WeightPlacement beside(ExternalDataWriter weights) {
    return constant ->
        constant.data().byteSize() < EXTERNAL_BYTES
            ? Optional.empty()
            : Optional.of(weights.add(constant));
  }

  /**
   * Writes a model atomically. Its nodes are sorted first.
   *
   * @throws IllegalStateException if the graph has a cycle
   * @throws dev.banyan.artifacts.integrity.UnusableArtifact if it does not fit into one message
   * @throws java.io.UncheckedIOException if the disk fails
   */
  public void write(Model model, Path path) {
    ModelProto.Builder proto =
        ModelProto.newBuilder().setIrVersion(model.irVersion()).setProducerName("banyan");
    new TreeMap<>(model.opsets())
        .forEach(
            (domain, version) ->
                proto.addOpsetImport(
                    OperatorSetIdProto.newBuilder().setDomain(domain).setVersion(version)));
    proto.addAllMetadataProps(entries(model.metadata()));
    OnnxFile.write(path, proto.setGraph(graph(model.graph())).build());
  }

  private GraphProto graph(Graph graph) {
    graph.sort();
    GraphProto.Builder proto = GraphProto.newBuilder().setName(graph.name());
    graph.inputs().forEach(input -> proto.addInput(TypeCodec.encode(input)));
    graph.outputs().forEach(output -> proto.addOutput(TypeCodec.encode(output)));
    for (Value constant : graph.constants()) {
      proto.addInitializer(tensor(constant.constant().orElseThrow()));
    }
    graph.nodes().forEach(node -> proto.addNode(node(node)));
    return proto.build();
  }

  private TensorProto tensor(Tensor tensor) {
    return placement
        .of(tensor)
        .map(place -> TensorProtos.external(tensor, place))
        .orElseGet(() -> TensorProtos.inline(tensor));
  }

  private static NodeProto node(Node node) {
    NodeProto.Builder proto =
        NodeProto.newBuilder()
            .setName(node.name())
            .setDomain(node.op().domain())
            .setOpType(node.op().type());
    node.inputs().forEach(input -> proto.addInput(input.name()));
    node.outputs().forEach(output -> proto.addOutput(output.name()));
    node.attributes()
        .forEach((name, value) -> proto.addAttribute(AttributeCodec.encode(name, value)));
    return proto.addAllMetadataProps(entries(node.metadata())).build();
  }

  private static List<StringStringEntryProto> entries(Map<String, String> map) {
    List<StringStringEntryProto> entries = new ArrayList<>();
    new TreeMap<>(map)
        .forEach(
            (key, value) ->
                entries.add(
                    StringStringEntryProto.newBuilder().setKey(key).setValue(value).build()));
    return entries;
  }
}
