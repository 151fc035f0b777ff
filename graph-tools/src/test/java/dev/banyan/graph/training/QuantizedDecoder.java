package dev.banyan.graph.training;

import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The small Llama with every layer's weight rounded to 4 bits, as a quantizer writes it. */
final class QuantizedDecoder {
  private static final int BLOCK = 16;

  private final Graph graph;

  private QuantizedDecoder(Graph graph) {
    this.graph = graph;
  }

  /** Writes the model. */
  static Path write(Path folder) {
    Model model = OnnxReader.read(OnnxFile.read(Fixtures.export("families/llama_dynamo18")));
    Model quantized = model.withMicrosoftOps();
    QuantizedDecoder decoder = new QuantizedDecoder(quantized.graph());
    List<Node> layers =
        quantized.graph().nodes().stream().filter(QuantizedDecoder::isLayer).toList();
    layers.forEach(decoder::quantize);
    Path file = folder.resolve("int4.onnx");
    try (ExternalDataWriter weights = new ExternalDataWriter(folder.resolve("int4.onnx.data"))) {
      new OnnxWriter(weights).write(quantized, file);
    }
    return file;
  }

  private static boolean isLayer(Node node) {
    return node.op().is("MatMul")
        && node.input(1).constant().filter(weight -> weight.shape().rank() == 2).isPresent();
  }

  private void quantize(Node layer) {
    Tensor weight = layer.input(1).constant().orElseThrow();
    int in = Math.toIntExact(weight.shape().dim(0));
    int out = Math.toIntExact(weight.shape().dim(1));
    int blocks = Math.ceilDiv(in, BLOCK);
    byte[] packed = new byte[out * blocks * BLOCK / 2];
    float[] scales = new float[out * blocks];
    float[] values = weight.floats();
    for (int row = 0; row < out; row++) {
      for (int block = 0; block < blocks; block++) {
        float scale = scale(values, row, block, in, out);
        scales[row * blocks + block] = scale;
        for (int i = 0; i < BLOCK; i++) {
          int column = block * BLOCK + i;
          float value = column < in ? values[column * out + row] : 0;
          int number = Math.clamp(Math.round(value / scale) + 8, 0, 15);
          packed[((row * blocks + block) * BLOCK + i) / 2] |= (byte) (number << (i % 2 * 4));
        }
      }
    }
    Tensor numbers =
        new Tensor(
            weight.name() + "_q4",
            DType.UINT8,
            Shape.of(out, blocks, BLOCK / 2),
            MemorySegment.ofArray(packed));
    Value result = layer.output();
    Node product =
        graph.addNode(
            OpId.microsoft("MatMulNBits"),
            layer.name(),
            List.of(
                layer.input(0),
                graph.addConstant(numbers.named(graph.freshName(numbers.name()))),
                graph.addConstant(
                    Tensor.ofFloats(
                        graph.freshName(weight.name() + "_scales"),
                        Shape.of(out, blocks),
                        scales))),
            List.of(graph.freshName("product")),
            Map.of(
                "K", Attribute.of((long) in),
                "N", Attribute.of((long) out),
                "bits", Attribute.of(4L),
                "block_size", Attribute.of((long) BLOCK)));
    product.setMetadata(layer.metadata());
    graph.replaceUses(result, product.output());
    graph.removeNode(layer);
    graph.rename(product.output(), result.name());
  }

  private static float scale(float[] values, int row, int block, int in, int out) {
    float greatest = 1e-6f;
    for (int column = block * BLOCK; column < Math.min(in, (block + 1) * BLOCK); column++) {
      greatest = Math.max(greatest, Math.abs(values[column * out + row]));
    }
    return greatest / 7;
  }
}
