package dev.banyan.graph.adapter;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteDiscovery;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** The shapes of input that a linear layer has in real models, with a model of one. */
enum OneLayer {
  TOKENS(OneLayer.SEQUENCE),
  POOLED(1),
  FLATTENED(OneLayer.SEQUENCE);

  /** Elements that the layer reads of each token. */
  static final int IN = 5;

  /** Elements that it gives. */
  static final int OUT = 6;

  /** Tokens of a text. */
  static final int SEQUENCE = 4;

  private final int tokens;

  OneLayer(int tokens) {
    this.tokens = tokens;
  }

  List<Dim> dims(int last) {
    return switch (this) {
      case TOKENS -> List.of(Dim.of("batch"), Dim.of("sequence"), Dim.of(last));
      case POOLED -> List.of(Dim.of("batch"), Dim.of(last));
      case FLATTENED -> List.of(Dim.of("rows"), Dim.of(last));
    };
  }

  Shape shape(int rows) {
    return switch (this) {
      case TOKENS -> Shape.of(rows, SEQUENCE, IN);
      case POOLED -> Shape.of(rows, IN);
      case FLATTENED -> Shape.of((long) rows * SEQUENCE, IN);
    };
  }

  /** Tokens of a text that reach the layer. */
  int tokens() {
    return tokens;
  }

  /** The layer with a bias, and something behind it; the same numbers at each call. */
  Model model() {
    Graph graph = new Graph("layer");
    SplittableRandom weights = new SplittableRandom(1);
    float[] values = new float[IN * OUT];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) weights.nextGaussian();
    }
    Value x = graph.addInput("x", new TensorType(DType.FLOAT, dims(IN)));
    Value w = graph.addConstant(Tensor.ofFloats("w", Shape.of(IN, OUT), values));
    Value product =
        graph
            .addNode(
                OpId.onnx("MatMul"),
                "/block/dense/MatMul",
                List.of(x, w),
                List.of("product"),
                Map.of())
            .output();
    TensorType out = new TensorType(DType.FLOAT, dims(OUT));
    product.withType(out);
    float[] biases = new float[OUT];
    for (int i = 0; i < OUT; i++) {
      biases[i] = (float) weights.nextGaussian();
    }
    Value b = graph.addConstant(Tensor.ofFloats("b", Shape.of(OUT), biases));
    Value biased = new GraphBuilder(graph, "bias").op("Add", product, b).withType(out);
    Value y = new GraphBuilder(graph, "y").op("Neg", biased);
    graph.addOutput(y.withType(out));
    return new Model(graph, Map.of("", 17), 8, Map.of());
  }

  /** The only place of such a model. */
  static Site site(Model model) {
    return SiteDiscovery.of(model).getFirst();
  }

  /** The layer's weight, {@code [in, out]}. */
  Tensor weight() {
    return site(model()).weight().constant().orElseThrow();
  }
}
