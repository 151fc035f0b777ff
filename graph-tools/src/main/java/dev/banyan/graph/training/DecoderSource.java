package dev.banyan.graph.training;

import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.io.NodeNotes;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.lowering.DropPast;
import dev.banyan.graph.lowering.Lower;
import dev.banyan.graph.lowering.LoweringRules;
import dev.banyan.graph.lowering.SpeakOpset;
import dev.banyan.graph.pass.RemoveUnused;
import dev.banyan.graph.types.TypeOf;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A decoder that reads whole texts: its past is dropped, its fused operators are made plain, and
 * what is left of its inputs are tokens and, where it has numbered positions, positions.
 *
 * <p>No mask of padding is needed: padding stands behind a text, where no token looks.
 *
 * @param original as it was on disk, with the exporter's notes
 * @param simplified as ONNX Runtime simplified it
 * @param rules how fused operators are rewritten
 */
record DecoderSource(OnnxFile original, OnnxFile simplified, LoweringRules rules) {
  private static final int OLDEST_OPSET = 13;

  /** A decoder as a base to rewrite. */
  BaseGraph base() {
    return lowered(numbered());
  }

  /** The same in which tokens see only their own segment; the input is {@code segment_ids}. */
  BaseGraph separated() {
    Model model = numbered();
    Segments.separate(model.graph(), nodes(model));
    return lowered(model);
  }

  /**
   * The decoder as it was given, without a past: its fused operators are still there. Activations
   * are not rounded, which nothing that is trained could follow.
   */
  Model reference() {
    Model model = read();
    model.graph().nodes().stream()
        .filter(node -> node.attribute("accuracy_level").isPresent())
        .forEach(node -> node.setAttribute("accuracy_level", Attribute.of(0L)));
    return new BaseGraph(model).finished(List.copyOf(model.graph().outputs()));
  }

  /**
   * The decoder as it was given, its past and its fused operators too.
   *
   * @param dequantized whether quantized weights become floats
   */
  Model whole(boolean dequantized) {
    Model model = noted();
    LoweringRules floats = LoweringRules.dequantize();
    if (dequantized && Lower.concerns(model, floats)) {
      typeInside(model.graph());
      model = model.withMicrosoftOps();
      Lower.whatCanBe(model, floats);
    }
    return new BaseGraph(model).noted();
  }

  /** A run that learns types would need a past; those of what lies inside are the same without. */
  private void typeInside(Graph graph) {
    Graph typed = read().graph();
    for (Node node : graph.nodes()) {
      Stream.concat(node.inputs().stream(), node.outputs().stream())
          .filter(value -> !graph.inputs().contains(value) && !graph.outputs().contains(value))
          .forEach(
              value -> typed.find(value.name()).flatMap(Value::type).ifPresent(value::withType));
    }
  }

  private Model noted() {
    Model model = OnnxReader.read(simplified);
    NodeNotes.carry(original, model);
    return model;
  }

  private Model read() {
    Model model = noted();
    if (model.opset() < OLDEST_OPSET) {
      throw new UnusableModel(
          "The decoder speaks operator set %d; expected %d or later: export it anew"
              .formatted(model.opset(), OLDEST_OPSET));
    }
    Graph graph = model.graph();
    DropPast.from(graph);
    DecoderPorts ports = DecoderPorts.of(graph);
    graph.setOutputs(List.of(ports.logits()));
    ports.mask().ifPresent(mask -> maskNothing(graph, mask, ports.ids()));
    RemoveUnused.from(graph);
    graph.sort();
    TypeOf.annotate(model);
    return model;
  }

  private Model numbered() {
    Model model = read();
    if (DecoderPorts.of(model.graph()).positions().isEmpty()) {
      numberPositions(model.graph());
    }
    return model;
  }

  private static void maskNothing(Graph graph, Value mask, Value ids) {
    GraphBuilder builder = new GraphBuilder(graph, "banyan/no_padding");
    Attribute one = new Attribute.Constant(Tensor.ofLongs("one", Shape.of(1), 1));
    graph.replaceUses(
        mask, builder.op("ConstantOfShape", Map.of("value", one), builder.op("Shape", ids)));
    graph.removeUnused(mask);
  }

  /**
   * A table of positions that the model looks up by counting is looked up by an input instead, so
   * that examples which share a row begin anew. Rotary positions need none: attention to them is by
   * distance.
   */
  private static void numberPositions(Graph graph) {
    List<Node> tables =
        graph.nodes().stream().filter(node -> isPositionTable(node, graph)).toList();
    if (tables.isEmpty()) {
      return;
    }
    Value positions = graph.addInput(DecoderPorts.POSITIONS, DecoderPorts.tokens());
    tables.forEach(table -> table.replaceInput(1, positions));
    RemoveUnused.from(graph);
  }

  private static boolean isPositionTable(Node node, Graph graph) {
    if (!node.op().is("Gather") || node.intAttribute("axis", 0) != 0) {
      return false;
    }
    boolean table =
        node.input(0)
            .constant()
            .filter(t -> t.type() == DType.FLOAT && t.shape().rank() == 2)
            .isPresent();
    boolean counted =
        node.input(1)
            .type()
            .filter(t -> t.rank() == 2 && t.dim(1).equals(DecoderPorts.tokens().dim(1)))
            .isPresent();
    return table && counted && !tells(node.input(1), graph.value(DecoderPorts.IDS));
  }

  /** Whether a value depends on what the tokens are, beyond how many there are. */
  private static boolean tells(Value value, Value ids) {
    if (value == ids) {
      return true;
    }
    return value.producer().filter(node -> !node.op().is("Shape") && !node.op().is("Size")).stream()
        .flatMap(node -> node.inputs().stream())
        .anyMatch(input -> tells(input, ids));
  }

  private BaseGraph lowered(Model typed) {
    Model model = typed;
    if (Lower.concerns(typed, rules)) {
      model = Lower.all(typed, rules);
    } else {
      TypeOf.annotate(typed);
    }
    return new BaseGraph(SpeakOpset.old(model));
  }

  private static Nodes nodes(Model model) {
    return new Nodes(new GraphBuilder(model.graph(), "banyan"), model.opset());
  }
}
