package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;

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

/** The small Llama with every layer's weight rounded to 4 bits, as quantizers write it. */
final class QuantizedDecoder {
  private static final int BLOCK = 16;

  private final Graph graph;
  private final Form form;

  /** How a quantized layer is said. */
  enum Form {
    /** {@code MatMulNBits}. */
    PRODUCT,
    /** {@code DequantizeLinear} and {@code MatMul}. */
    WEIGHT
  }

  private QuantizedDecoder(Graph graph, Form form) {
    this.graph = graph;
    this.form = form;
  }

  /** Writes the model. */
  static Path write(Form form, Path folder) {
    Model model = OnnxReader.read(OnnxFile.read(Fixtures.export("families/llama_dynamo18")));
    // Numbers of 4 bits came with this operator set; the others are the same in it.
    Model quantized =
        new Model(model.graph(), Map.of("", 21, OpId.MICROSOFT, 1), 10, model.metadata());
    QuantizedDecoder decoder = new QuantizedDecoder(quantized.graph(), form);
    List<Node> layers =
        quantized.graph().nodes().stream().filter(QuantizedDecoder::isLayer).toList();
    layers.forEach(decoder::quantize);
    quantized.graph().sort();
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
    assertThat(in % BLOCK).isZero();
    int blocks = in / BLOCK;
    boolean product = form == Form.PRODUCT;
    byte[] packed = new byte[in * out / 2];
    float[] scales = new float[out * blocks];
    float[] values = weight.floats();
    for (int row = 0; row < in; row++) {
      for (int column = 0; column < out; column++) {
        int block = row / BLOCK;
        float scale = scale(values, block, column, out);
        scales[product ? column * blocks + block : block * out + column] = scale;
        int number = Math.clamp(Math.round(values[row * out + column] / scale), -8, 7);
        int place = product ? column * in + row : row * out + column;
        packed[place / 2] |= (byte) (((product ? number + 8 : number) & 0xf) << (place % 2 * 4));
      }
    }
    MemorySegment numbers = MemorySegment.ofArray(packed);
    if (product) {
      addProduct(
          layer,
          new Tensor("q4", DType.UINT8, Shape.of(out, blocks, BLOCK / 2), numbers),
          Tensor.ofFloats("scales", Shape.of(out, blocks), scales));
    } else {
      addWeight(
          layer,
          new Tensor("q4", DType.INT4, Shape.of(in, out), numbers),
          Tensor.ofFloats("scales", Shape.of(blocks, out), scales));
    }
  }

  private Value constant(Tensor tensor) {
    return graph.addConstant(tensor.named(graph.freshName(tensor.name())));
  }

  private void addProduct(Node layer, Tensor numbers, Tensor scales) {
    Value result = layer.output();
    Node product =
        graph.addNode(
            OpId.microsoft("MatMulNBits"),
            layer.name(),
            List.of(layer.input(0), constant(numbers), constant(scales)),
            List.of(graph.freshName("product")),
            Map.of(
                "K", Attribute.of(scales.shape().dim(1) * BLOCK),
                "N", Attribute.of(scales.shape().dim(0)),
                "bits", Attribute.of(4L),
                "block_size", Attribute.of((long) BLOCK)));
    product.setMetadata(layer.metadata());
    graph.replaceUses(result, product.output());
    graph.removeNode(layer);
    graph.rename(product.output(), result.name());
  }

  private void addWeight(Node layer, Tensor numbers, Tensor scales) {
    Node weight =
        graph.addNode(
            OpId.onnx("DequantizeLinear"),
            layer.name() + "/weight",
            List.of(constant(numbers), constant(scales)),
            List.of(graph.freshName("weight")),
            Map.of("axis", Attribute.of(0L), "block_size", Attribute.of((long) BLOCK)));
    layer.replaceInput(1, weight.output());
  }

  private static float scale(float[] values, int block, int column, int out) {
    float greatest = 1e-6f;
    for (int row = block * BLOCK; row < (block + 1) * BLOCK; row++) {
      greatest = Math.max(greatest, Math.abs(values[row * out + column]));
    }
    return greatest / 7;
  }
}
