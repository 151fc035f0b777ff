package dev.banyan.benchmarks;

import dev.banyan.artifacts.integrity.MappedFile;
import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.onnx.ExternalLocation;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * An encoder with random weights of more than 2 GiB: a table of tokens of 1 GiB and layers of 1.2
 * GiB, as external data. It is written weight by weight, so that making it needs the memory of the
 * largest.
 */
final class LargeModel {
  /** Rows of the table; with {@link #HIDDEN} floats each, 1 GiB. */
  private static final int TOKENS = 1 << 18;

  private static final int HIDDEN = 1024;
  private static final int INNER = 4 * HIDDEN;
  private static final int HEADS = 16;
  private static final int LAYERS = 25;
  private static final int OPSET = 17;

  /** Bytes of the largest weight. */
  static final long LARGEST = (long) TOKENS * HIDDEN * Float.BYTES;

  private final Map<String, Shape> shapes = new LinkedHashMap<>();
  private final Map<String, ExternalLocation> places = new LinkedHashMap<>();
  private final Graph graph = new Graph("large");

  private LargeModel() {
    shapes.put("embeddings.word_embeddings.weight", Shape.of(TOKENS, HIDDEN));
    for (int layer = 0; layer < LAYERS; layer++) {
      for (String name : List.of("query", "key", "value", "output")) {
        shapes.put("encoder.layer.%d.%s".formatted(layer, name), Shape.of(HIDDEN, HIDDEN));
      }
      shapes.put("encoder.layer.%d.up".formatted(layer), Shape.of(HIDDEN, INNER));
      shapes.put("encoder.layer.%d.down".formatted(layer), Shape.of(INNER, HIDDEN));
    }
  }

  /** Writes {@code model.onnx} and its data file into a folder. */
  static Path write(Path folder) {
    LargeModel model = new LargeModel();
    Path data = folder.resolve("model.onnx.data");
    try (ExternalDataWriter weights = new ExternalDataWriter(data)) {
      model.writeWeights(weights);
    }
    MemorySegment mapped = MappedFile.map(data);
    Model onnx = new Model(model.build(mapped), Map.of("", OPSET), 8, Map.of());
    Path file = folder.resolve("model.onnx");
    // The weights are where they belong already.
    new OnnxWriter(constant -> Optional.ofNullable(model.places.get(constant.name())))
        .write(onnx, file);
    return file;
  }

  private void writeWeights(ExternalDataWriter weights) {
    SplittableRandom random = new SplittableRandom(1);
    shapes.forEach(
        (name, shape) -> {
          try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate(shape.elements() * Float.BYTES, 64);
            // Two uniform floats of one draw; their deviation keeps activations near 1.
            double fanIn = shape.dim(0) == TOKENS ? 4.0 : (double) shape.dim(0);
            float scale = (float) (2 / Math.sqrt(fanIn));
            for (long i = 0; i < shape.elements(); i += 2) {
              long bits = random.nextLong();
              values.setAtIndex(ValueLayout.JAVA_FLOAT, i, uniform((int) bits, scale));
              values.setAtIndex(ValueLayout.JAVA_FLOAT, i + 1, uniform((int) (bits >> 32), scale));
            }
            places.put(name, weights.add(new Tensor(name, DType.FLOAT, shape, values)));
          }
        });
  }

  private static float uniform(int bits, float scale) {
    return scale * bits * 0x1p-32f;
  }

  private Graph build(MemorySegment data) {
    shapes.forEach(
        (name, shape) -> {
          ExternalLocation place = places.getOrDefault(name, new ExternalLocation("", 0, 0));
          graph.addConstant(
              new Tensor(name, DType.FLOAT, shape, data.asSlice(place.offset(), place.length())));
        });
    TensorType tokens = TensorType.of(DType.INT64, Dim.of("batch"), Dim.of("sequence"));
    Value ids = graph.addInput("input_ids", tokens);
    Value mask = graph.addInput("attention_mask", tokens);
    GraphBuilder nodes = new GraphBuilder(graph, "/embeddings");
    Value hidden = nodes.op("Gather", graph.value("embeddings.word_embeddings.weight"), ids);
    Value bias = bias(new GraphBuilder(graph, "/mask"), mask);
    for (int layer = 0; layer < LAYERS; layer++) {
      hidden = layer(layer, hidden, bias);
    }
    graph.rename(hidden, "last_hidden_state");
    hidden.withType(
        TensorType.of(DType.FLOAT, Dim.of("batch"), Dim.of("sequence"), Dim.of(HIDDEN)));
    graph.addOutput(hidden);
    return graph;
  }

  /** 0 for a token and a large negative number for padding, {@code [batch, 1, 1, sequence]}. */
  private static Value bias(GraphBuilder nodes, Value mask) {
    Value wide = nodes.op("Unsqueeze", mask, nodes.longs(1, 2));
    Value kept = nodes.op("Cast", Map.of("to", Attribute.of((long) DType.FLOAT.onnxCode())), wide);
    return nodes.op("Mul", nodes.op("Sub", nodes.scalar(1f), kept), nodes.scalar(-10000f));
  }

  private Value layer(int layer, Value x, Value bias) {
    String path = "encoder.layer." + layer;
    GraphBuilder nodes = new GraphBuilder(graph, "/" + path.replace('.', '/'));
    Value query = heads(nodes, linear(path, "query", x));
    Value key = heads(nodes, linear(path, "key", x));
    Value value = heads(nodes, linear(path, "value", x));
    Value turned = nodes.op("Transpose", Map.of("perm", Attribute.ints(0, 1, 3, 2)), key);
    Value scores =
        nodes.op(
            "Div",
            nodes.op("MatMul", query, turned),
            nodes.scalar((float) Math.sqrt(HIDDEN / HEADS)));
    Value weights =
        nodes.op("Softmax", Map.of("axis", Attribute.of(-1L)), nodes.op("Add", scores, bias));
    Value mixed =
        nodes.op(
            "Transpose",
            Map.of("perm", Attribute.ints(0, 2, 1, 3)),
            nodes.op("MatMul", weights, value));
    Value joined = nodes.op("Reshape", mixed, nodes.longs(0, 0, HIDDEN));
    Value attended = normalize(nodes, nodes.op("Add", x, linear(path, "output", joined)));
    Value inner = nodes.op("Relu", linear(path, "up", attended));
    return normalize(nodes, nodes.op("Add", attended, linear(path, "down", inner)));
  }

  private Value linear(String path, String name, Value x) {
    String module = "/" + path.replace("encoder.layer.", "encoder/layer.") + "/" + name;
    return graph
        .addNode(
            OpId.onnx("MatMul"),
            module + "/MatMul",
            List.of(x, graph.value(path + "." + name)),
            List.of(module + "/MatMul_output_0"),
            Map.of())
        .output();
  }

  private static Value heads(GraphBuilder nodes, Value x) {
    Value split = nodes.op("Reshape", x, nodes.longs(0, 0, HEADS, HIDDEN / HEADS));
    return nodes.op("Transpose", Map.of("perm", Attribute.ints(0, 2, 1, 3)), split);
  }

  private Value normalize(GraphBuilder nodes, Value x) {
    float[] ones = new float[HIDDEN];
    Arrays.fill(ones, 1);
    Value scale =
        graph
            .find("norm.weight")
            .orElseGet(
                () -> graph.addConstant(Tensor.ofFloats("norm.weight", Shape.of(HIDDEN), ones)));
    Value zeros =
        graph
            .find("norm.bias")
            .orElseGet(
                () ->
                    graph.addConstant(
                        Tensor.ofFloats("norm.bias", Shape.of(HIDDEN), new float[HIDDEN])));
    return nodes.op("LayerNormalization", Map.of("axis", Attribute.of(-1L)), x, scale, zeros);
  }
}
