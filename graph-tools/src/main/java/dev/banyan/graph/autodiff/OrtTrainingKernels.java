package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.GradientRule.NO_GRADIENT;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.autodiff.GradientRule.Formula;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Rows that override others with the gradient operators of ONNX Runtime's own gradient builder.
 * Only its training build has them.
 *
 * <p>On the CPU they are for float; with other types a row does what plain ONNX does. Those for
 * pooling are not here: they take their result's shape from the model's text. Definitions: {@code
 * training_op_defs.cc} in ONNX Runtime's source.
 */
public final class OrtTrainingKernels {
  private static final GradientRules PLAIN = GradientRules.plainOnnx();

  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped("Relu", inFloat(c -> kernel(c, "ReluGrad", c.dy(), c.out())))
          .shaped("LeakyRelu", inFloat(OrtTrainingKernels::leakyRelu))
          .shaped("Sigmoid", inFloat(c -> kernel(c, "SigmoidGrad", c.dy(), c.out())))
          .shaped("Tanh", inFloat(c -> kernel(c, "TanhGrad", c.dy(), c.out())))
          .shaped("Gelu", inFloat(OrtTrainingKernels::gelu))
          .shaped("com.microsoft.Gelu", inFloat(c -> kernel(c, "GeluGrad", c.dy(), c.in(0))))
          .shaped("Softmax", inFloat(c -> softmax(c, "SoftmaxGrad")))
          .shaped("LogSoftmax", inFloat(c -> softmax(c, "LogSoftmaxGrad")))
          .shaped("LayerNormalization", inFloat(c -> norm(c, 0), c -> norm(c, 1), c -> norm(c, 2)))
          .shaped("SimplifiedLayerNormalization", inFloat(c -> norm(c, 0), c -> norm(c, 1)))
          .shaped("Conv", inFloat(c -> conv(c, 0), c -> conv(c, 1), c -> conv(c, 2)))
          .shaped("Gather", inFloat(OrtTrainingKernels::gather, NO_GRADIENT))
          .shaped("GatherElements", inFloat(OrtTrainingKernels::gatherElements, NO_GRADIENT))
          .shaped("GatherND", inFloat(OrtTrainingKernels::gatherNd, NO_GRADIENT))
          .shaped(
              "Slice",
              inFloat(
                  OrtTrainingKernels::slice, NO_GRADIENT, NO_GRADIENT, NO_GRADIENT, NO_GRADIENT))
          .shaped(
              "SoftmaxCrossEntropyLoss",
              inFloat(OrtTrainingKernels::crossEntropy, NO_GRADIENT, NO_GRADIENT))
          .build();

  private OrtTrainingKernels() {}

  /** Does what plain ONNX does where the kernels do not know the type. */
  private static Formula[] inFloat(Formula... inputs) {
    return IntStream.range(0, inputs.length)
        .mapToObj(
            i ->
                inputs[i].equals(NO_GRADIENT)
                    ? NO_GRADIENT
                    : (Formula) c -> c.dtype() == DType.FLOAT ? inputs[i].of(c) : plain(c, i))
        .toArray(Formula[]::new);
  }

  private static Value plain(GradientContext c, int input) {
    return PLAIN.find(c.node().op()).orElseThrow().apply(c, input);
  }

  private static Value kernel(GradientContext c, String type, Value... inputs) {
    return kernel(c, type, Map.of(), inputs);
  }

  private static Value kernel(
      GradientContext c, String type, Map<String, Attribute> attributes, Value... inputs) {
    return c.ops(OpId.microsoft(type), attributes, 1, inputs).getFirst();
  }

  /** The node's own attributes of these names. */
  private static Map<String, Attribute> keep(GradientContext c, String... names) {
    Map<String, Attribute> kept = new TreeMap<>(c.node().attributes());
    kept.keySet().retainAll(Set.of(names));
    return kept;
  }

  private static Map<String, Attribute> axis(GradientContext c, int otherwise) {
    return Map.of("axis", Attribute.of((long) c.axisAttribute(c.in(0), "axis", otherwise)));
  }

  private static Value leakyRelu(GradientContext c) {
    return kernel(c, "LeakyReluGrad", keep(c, "alpha"), c.dy(), c.out());
  }

  private static Value gelu(GradientContext c) {
    boolean tanh = ActivationGradients.isTanhGelu(c);
    return kernel(c, tanh ? "FastGeluGrad" : "GeluGrad", c.dy(), c.in(0));
  }

  /** Before opset 13 the axis and all behind it were one. */
  private static Value softmax(GradientContext c, String type) {
    return c.opset() >= 13
        ? kernel(c, type + "_13", axis(c, -1), c.dy(), c.out())
        : kernel(c, type, axis(c, 1), c.dy(), c.out());
  }

  /** The kernels know no scale that is repeated along an axis, and leave out no output. */
  private static Value norm(GradientContext c, int input) {
    int first = c.axisAttribute(c.in(0), "axis", -1);
    List<Dim> dims = c.type(c.in(0)).dims();
    if (!c.type(c.in(1)).dims().equals(dims.subList(first, dims.size()))) {
      return plain(c, input);
    }
    boolean centred = c.node().op().is("LayerNormalization");
    List<Value> inputs = new ArrayList<>(List.of(c.dy(), c.in(0), c.in(1), c.extraOut(1)));
    if (centred) {
      inputs.add(c.extraOut(2));
    }
    OpId op = OpId.microsoft(c.node().op().type() + "Grad");
    return c.ops(op, axis(c, -1), centred ? 3 : 2, inputs.toArray(Value[]::new)).get(input);
  }

  /**
   * The kernel takes 'auto_pad' for no padding at all and then reads beyond its memory, and it
   * divides by the size of the batch.
   */
  private static Value conv(GradientContext c, int input) {
    Optional<long[]> pads = ConvolutionGradients.knownPads(c);
    if (pads.isEmpty() || c.type(c.in(0)).dim(0).isKnownToBe(0)) {
      return plain(c, input);
    }
    Map<String, Attribute> attributes = new TreeMap<>(c.node().attributes());
    attributes.remove("auto_pad");
    attributes.put("pads", Attribute.ints(pads.get()));
    Value first = kernel(c, "ConvGrad", attributes, c.dy(), c.in(0), c.in(1));
    // It computes only what is asked for.
    return input == 0 ? first : c.emit(first.producer().orElseThrow(), input);
  }

  private static Value gather(GradientContext c) {
    return kernel(c, "GatherGrad", axis(c, 0), c.shapeOf(c.in(0)), c.in(1), c.dy());
  }

  private static Value gatherElements(GradientContext c) {
    return kernel(c, "GatherElementsGrad", axis(c, 0), c.dy(), c.shapeOf(c.in(0)), c.in(1));
  }

  private static Value gatherNd(GradientContext c) {
    Map<String, Attribute> batch = keep(c, "batch_dims");
    return kernel(c, "GatherNDGrad", batch, c.shapeOf(c.in(0)), c.in(1), c.dy());
  }

  /** The kernel does not go backwards. */
  private static Value slice(GradientContext c) {
    boolean forward =
        c.in(4).isNone()
            || Constants.longs(c.in(4))
                .map(steps -> Arrays.stream(steps).allMatch(step -> step > 0))
                .orElse(false);
    if (!forward) {
      return plain(c, 0);
    }
    List<Value> inputs = new ArrayList<>(List.of(c.dy(), c.shapeOf(c.in(0))));
    inputs.addAll(c.node().inputs().subList(1, c.node().inputs().size()));
    return kernel(c, "SliceGrad", inputs.toArray(Value[]::new));
  }

  private static Value crossEntropy(GradientContext c) {
    Value logProbabilities = c.extraOut(1).withType(c.type(c.in(0)));
    List<Value> inputs = new ArrayList<>(Arrays.asList(c.dy(), logProbabilities, c.in(1)));
    if (!c.in(2).isNone()) {
      inputs.add(c.in(2));
    }
    return kernel(
        c,
        "SoftmaxCrossEntropyLossGrad",
        keep(c, "reduction", "ignore_index"),
        inputs.toArray(Value[]::new));
  }
}
