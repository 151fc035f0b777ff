package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.EmbeddingInfo;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Precision;
import dev.banyan.graph.TrainingChoice;
import dev.banyan.graph.adapter.InsertAdapters;
import dev.banyan.graph.adapter.TextColumns;
import dev.banyan.graph.autodiff.Differentiate;
import dev.banyan.graph.autodiff.GradientRules;
import dev.banyan.graph.autodiff.Gradients;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.FuseGelu;
import dev.banyan.graph.pass.FuseLayerNormalization;
import dev.banyan.graph.pass.FuseSilu;
import dev.banyan.graph.pass.RemoveUnused;
import dev.banyan.graph.precision.HalfPrecision;
import dev.banyan.graph.types.TypeOf;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The graphs that training runs: one for any session, and one under the names of ONNX Runtime's
 * training API.
 *
 * <table>
 * <caption>Inputs and outputs of the training graph, in this order; the gradient graph has neither
 *     buffers nor {@code lazy_reset_grad}, and {@code <parameter>_grad} as outputs</caption>
 * <tr><td>the model's inputs</td><td>int64 {@code [batch, sequence]}</td></tr>
 * <tr><td>{@code labels}</td><td>text classification: int64 {@code [batch]}; token classification:
 *     int64 {@code [batch, sequence]}, negative where nothing counts; multi-label: float {@code
 *     [batch, labels]}; regression: float {@code [batch]}; scored pairs: float {@code
 *     [batch/2]}</td></tr>
 * <tr><td>{@code label_smoothing}</td><td>float scalar; text and token classification</td></tr>
 * <tr><td>{@code class_weights}</td><td>float {@code [labels]}; text and token
 *     classification</td></tr>
 * <tr><td>{@code <method>_scaling}</td><td>float {@code [sites]}: alpha / rank, of each method that
 *     has a scaling</td></tr>
 * <tr><td>{@code <site>.lora_dropout}</td><td>bool {@code [batch, sequence, in]}, false where an
 *     element of the site's input is dropped; in training, if the recipe has dropout</td></tr>
 * <tr><td>{@code loss_scale}, last of all</td><td>float scalar; in 16-bit floats of a small
 *     range</td></tr>
 * <tr><td>the parameters</td><td>float, with symbolic rank and labels</td></tr>
 * <tr><td>{@code <parameter>_grad.accumulation.buffer}</td><td>shaped like the parameter</td></tr>
 * <tr><td>{@code lazy_reset_grad}</td><td>bool {@code [1]}</td></tr>
 * <tr><td>out: {@code loss}</td><td>float scalar</td></tr>
 * <tr><td>out: {@code logits} or {@code embeddings}</td><td>{@code [batch, labels]}, of tokens
 *     {@code [batch, sequence, labels]}; or {@code [batch, hidden]}</td></tr>
 * <tr><td>out: {@code <parameter>_grad.accumulation.out}</td><td>bool {@code [1]}</td></tr>
 * </table>
 */
final class TrainingGraphs {
  /** Scalar input of graphs in half precision: what the loss is multiplied by. */
  private static final String LOSS_SCALE = "loss_scale";

  private static final String LOGITS = "logits";

  /** What a parameter's name gets at its end for the name of its gradient. */
  private static final String GRADIENT = "_grad";

  private static final OpId ACCUMULATE = OpId.microsoft("InPlaceAccumulatorV2");
  private static final TensorType FLAG = TensorType.of(DType.BOOL, Shape.of(1));

  private TrainingGraphs() {}

  /**
   * Turns a base model into the graph of the loss, which without dropout is the eval graph as it
   * stands.
   *
   * @param base read for this call; it is rewritten
   */
  static ForwardGraph forward(BaseGraph base, BundleRecipe recipe) {
    Graph graph = base.graph();
    Placement placement = recipe.place(base.model());
    Loss loss = loss(graph, recipe, base.hidden());
    TrainedPlacement placed = placement.train(graph, recipe.dropout());
    List<Value> parameters = new ArrayList<>(placed.finish());
    TextColumns columns = placed.columns();
    Head head = new Head(base.hidden());
    Value prediction =
        switch (recipe.task().head()) {
          case NONE ->
              base.named(
                  "embeddings",
                  PooledEmbedding.normalized(base.nodes(), base.pooled(recipe.pooling(), columns)));
          case TEXT -> {
            List<Value> own = addParameters(graph, head, parameters);
            Value pooled = base.pooled(recipe.pooling(), columns);
            yield base.named(LOGITS, head.train(base.nodes(), pooled, own));
          }
          case TOKENS -> {
            List<Value> own = addParameters(graph, head, parameters);
            yield base.named(LOGITS, head.train(base.nodes(), base.tokenVectors(columns), own));
          }
        };
    return finish(base, loss, prediction, parameters);
  }

  /** Adds the inputs that a task's loss needs, before all other inputs that are Banyan's. */
  private static Loss loss(Graph graph, BundleRecipe recipe, long hidden) {
    return switch (recipe.task()) {
      case TEXT_CLASSIFICATION -> Loss.CrossEntropy.over(graph, Dim.of("batch"));
      case MULTI_LABEL -> Loss.BinaryCrossEntropy.over(graph);
      case REGRESSION -> Loss.SquaredError.over(graph);
      case TOKEN_CLASSIFICATION ->
          Loss.CrossEntropy.over(graph, Dim.of("batch"), Dim.of("sequence"));
      case EMBEDDING -> {
        EmbeddingInfo info = recipe.embedding();
        yield switch (info.objective()) {
          case PAIRS, TRIPLETS ->
              new Loss.InBatchContrastive(hidden, info.texts(), info.temperature());
          case SCORED -> Loss.CosineError.over(graph, hidden);
        };
      }
      case CAUSAL_LM -> throw new IllegalArgumentException("A decoder's graphs are DecoderGraphs");
    };
  }

  /** The head's parameters, which come behind all others. */
  private static List<Value> addParameters(Graph graph, Head head, List<Value> parameters) {
    List<Value> own =
        head.parameters().stream().map(spec -> InsertAdapters.addParameter(graph, spec)).toList();
    parameters.addAll(own);
    return own;
  }

  private static ForwardGraph finish(
      BaseGraph base, Loss kind, Value prediction, List<Value> parameters) {
    Value loss = base.named("loss", kind.add(base.nodes().in("loss"), prediction));
    return new ForwardGraph(base.finished(List.of(loss, prediction)), loss, parameters);
  }

  /**
   * Adds the gradients of all parameters as outputs: a graph for any session.
   *
   * @param forward its graph is extended
   * @param choice in which operators, and what is kept in memory
   */
  static GradientGraph withGradients(ForwardGraph forward, TrainingChoice choice) {
    Model model = typed(forward.model().withMicrosoftOps(), choice);
    Set<Value> forwardValues = values(model.graph());
    return finished(model, forwardValues, gradients(model, forward, choice), choice);
  }

  /** With 16-bit floats of a small range the loss is scaled. */
  private static Gradients gradients(Model model, ForwardGraph forward, TrainingChoice choice) {
    GradientRules rules = choice.gradients().rules();
    if (choice.precision() != Precision.FP16) {
      return Differentiate.every(model, forward.loss(), forward.parameters(), rules);
    }
    Value scale = addLossScale(model.graph());
    return Differentiate.from(model, Map.entry(forward.loss(), scale), forward.parameters(), rules);
  }

  /** The input that every gradient is a multiple of. */
  static Value addLossScale(Graph graph) {
    return graph.addInput(LOSS_SCALE, TensorType.of(DType.FLOAT));
  }

  /** Gives every value its type, and fuses what is differentiated as a whole. */
  static Model typed(Model model, TrainingChoice choice) {
    TypeOf.annotate(model);
    if (choice.gradients() != Emission.PLAIN) {
      FuseGelu.in(model.graph());
      FuseSilu.in(model.graph());
      FuseLayerNormalization.in(model.graph());
    }
    choice.precision().half().ifPresent(half -> HalfPrecision.in(model.graph(), half));
    return model;
  }

  /** What the nodes of a graph make. */
  static Set<Value> values(Graph graph) {
    return graph.nodes().stream()
        .flatMap(node -> node.outputs().stream())
        .collect(Collectors.toSet());
  }

  /**
   * Makes the gradients outputs.
   *
   * @param forwardValues what was there before the backward pass
   * @param gradients of the parameters, and of what is between them and the loss
   */
  static GradientGraph finished(
      Model model, Set<Value> forwardValues, Gradients gradients, TrainingChoice choice) {
    Graph graph = model.graph();
    Map<Value, Value> wanted = gradients.wanted();
    if (choice.recompute()) {
      Recompute.layers(graph, forwardValues, gradients);
    } else if (choice.gradients() != Emission.PLAIN) {
      Recompute.cheap(graph, forwardValues, gradients);
    }
    if (choice.gradients() != Emission.PLAIN) {
      PromptGradients.in(graph, forwardValues, gradients);
    }
    // The backward pass asks forward tensors for shapes, and would keep them in memory for that.
    TextShape.replaceAll(
        graph, graph.nodes().stream().filter(node -> readsOne(node, forwardValues)).toList());
    wanted.values().forEach(graph::addOutput);
    RemoveUnused.from(graph);
    graph.sort();
    return new GradientGraph(model, List.copyOf(wanted.keySet()), List.copyOf(wanted.values()));
  }

  private static boolean readsOne(Node node, Set<Value> values) {
    return !node.inputs().isEmpty() && values.contains(node.input(0));
  }

  /**
   * Replaces the gradients among the outputs by what adds them up over several steps, in the layout
   * of ONNX Runtime's training API.
   *
   * @param gradients its graph is changed
   */
  static Model accumulating(GradientGraph gradients) {
    Graph graph = gradients.model().graph();
    List<Value> outputs = new ArrayList<>(graph.outputs());
    outputs.removeAll(gradients.gradients());
    graph.setOutputs(outputs);
    List<Value> buffers =
        gradients.parameters().stream()
            .map(
                parameter ->
                    graph.addInput(
                        parameter.name() + GRADIENT + ".accumulation.buffer",
                        parameter.knownType()))
            .toList();
    Value reset = graph.addInput("lazy_reset_grad", FLAG);
    for (int i = 0; i < buffers.size(); i++) {
      String out = gradients.parameters().get(i).name() + GRADIENT + ".accumulation.out";
      graph.addOutput(
          graph
              .addNode(
                  ACCUMULATE,
                  "GradientAccumulator" + i,
                  List.of(buffers.get(i), gradients.gradients().get(i), reset),
                  List.of(out),
                  Map.of())
              .output()
              .withType(FLAG));
    }
    graph.sort();
    return gradients.model();
  }
}
