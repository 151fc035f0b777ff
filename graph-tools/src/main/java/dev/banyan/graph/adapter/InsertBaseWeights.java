package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.adapter.BaseWeight.Kind;
import dev.banyan.graph.adapter.BaseWeight.Part;
import dev.banyan.graph.adapter.BaseWeight.Place;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Lets weights of the base come from adapters. */
public final class InsertBaseWeights {
  private static final Attribute INT64 = Attribute.of((long) DType.INT64.onnxCode());

  private static final Set<String> NORMALIZATIONS =
      Set.of("LayerNormalization", "SimplifiedLayerNormalization");

  private final Graph graph;

  /** Inserts into this graph, after the adapters of its sites. */
  public InsertBaseWeights(Graph graph) {
    this.graph = graph;
  }

  /**
   * Makes graph inputs of the weights themselves.
   *
   * @return the inputs, in order
   */
  public List<Value> forTraining(List<BaseWeight> weights) {
    List<Value> parameters = new ArrayList<>();
    for (BaseWeight weight : weights) {
      ParameterSpec spec = weight.spec();
      graph
          .find(spec.name())
          .ifPresent(old -> graph.rename(old, graph.freshName("base/" + spec.name())));
      Value parameter = InsertAdapters.addParameter(graph, spec);
      weight.places().forEach(place -> place.node().replaceInput(place.input(), parameter));
      parameters.add(parameter);
    }
    return parameters;
  }

  /**
   * Leaves the base's weights where they are and adds what each row's adapter has beyond them, out
   * of banks that become graph inputs: with zeros, nothing changes.
   *
   * @param adapterIds int64 {@code [batch]}
   */
  public void forServing(List<BaseWeight> weights, Value adapterIds) {
    for (BaseWeight weight : weights) {
      Value bank = InsertAdapters.addBank(graph, weight.spec());
      GraphBuilder builder = new GraphBuilder(graph, "banyan/base/" + weight.name());
      if (weight.kind() == Kind.TABLE) {
        Table table = new Table(bank, weight.value().shape());
        weight.places().forEach(place -> addTable(builder, place.node(), table, adapterIds));
        continue;
      }
      Value ofEachRow = builder.op("Gather", bank, adapterIds);
      for (Place place : weight.places()) {
        requireUnscaled(place.node());
        if (weight.part() == Part.BIAS) {
          addBias(builder, place, ofEachRow, adapterIds);
        } else {
          addWeight(builder, place, ofEachRow, adapterIds);
        }
      }
    }
  }

  /**
   * Tables of many adapters.
   *
   * @param bank {@code [slots, rows, width]}
   * @param each the shape of one of them
   */
  private record Table(Value bank, Shape each) {}

  /** Only the rows that are looked up are read: a table for each text would be far too large. */
  private void addTable(GraphBuilder builder, Node node, Table table, Value adapterIds) {
    long width = table.each().dim(1);
    Value output = node.output();
    Set<Node> readers = Set.copyOf(output.users());
    Value all = builder.op("Reshape", table.bank(), builder.longs(-1, width));
    Value first = builder.op("Mul", adapterIds, builder.scalar(table.each().dim(0)));
    Value ids =
        builder.op(
            "Add",
            builder.op("Cast", Map.of("to", INT64), node.input(1)),
            builder.op("Reshape", first, builder.longs(-1, 1)));
    Value sum = builder.op("Add", output, builder.op("Gather", all, ids));
    InsertAdapters.replace(graph, output, sum, readers);
    // Positions are the same for all texts, and what is added to them is not.
    Dim sequence = output.knownType().dim(1);
    sum.withType(TensorType.of(DType.FLOAT, Dim.of("batch"), sequence, Dim.of(width)));
  }

  private static void requireUnscaled(Node node) {
    if (node.op().is("Gemm")
        && (node.realAttribute("alpha", 1) != 1 || node.realAttribute("beta", 1) != 1)) {
      throw new UnusableModel(
          "%s scales its product or its bias, which then cannot come from an adapter; leave it out of --bias and --modules-to-save"
              .formatted(node));
    }
  }

  /**
   * Before the base's own bias where that is added apart, so that what follows it still looks as
   * ONNX Runtime's fusions expect it.
   */
  private void addBias(GraphBuilder builder, Place place, Value bias, Value adapterIds) {
    Node node = place.node();
    if (node.op().is("Add")) {
      int other = 1 - place.input();
      Value before = node.input(other);
      Value sum = sum(builder, before, bias, adapterIds);
      node.replaceInput(other, sum.withType(before.knownType()));
    } else {
      Value output = node.output();
      Set<Node> readers = Set.copyOf(output.users());
      Value sum = sum(builder, output, bias, adapterIds);
      InsertAdapters.replace(graph, output, sum, readers);
    }
  }

  private static Value sum(GraphBuilder builder, Value of, Value bias, Value adapterIds) {
    Rows rows = Rows.of(builder, of, adapterIds);
    return rows.back(builder.op("Add", rows.value(), rows.spread(bias)), width(of));
  }

  private static long width(Value value) {
    return value.knownType().dim(-1) instanceof Dim.Known(long width) ? width : -1;
  }

  private void addWeight(GraphBuilder builder, Place place, Value weight, Value adapterIds) {
    Node node = place.node();
    Value output = node.output();
    Set<Node> readers = Set.copyOf(output.users());
    boolean linear = node.op().is("MatMul") || node.op().is("Gemm");
    Value input =
        NORMALIZATIONS.contains(node.op().type())
            ? normalized(builder, node)
            : node.input(linear ? 0 : 1 - place.input());
    Rows rows = Rows.of(builder, input, adapterIds);
    Value product =
        linear
            ? builder.op("MatMul", rows.value(), upright(builder, node, weight))
            : builder.op("Mul", rows.value(), rows.spread(weight));
    Value sum = builder.op("Add", output, rows.back(product, width(output)));
    InsertAdapters.replace(graph, output, sum, readers);
  }

  /** {@code [batch, in, out]}. */
  private static Value upright(GraphBuilder builder, Node node, Value weight) {
    return node.intAttribute("transB", 0) == 0
        ? weight
        : builder.op("Transpose", Map.of("perm", Attribute.ints(0, 2, 1)), weight);
  }

  /** What a normalization gives before it scales. */
  private Value normalized(GraphBuilder builder, Node node) {
    Shape shape = node.input(1).constant().orElseThrow().shape();
    float[] ones = new float[Math.toIntExact(shape.elements())];
    Arrays.fill(ones, 1);
    Value scale = graph.addConstant(Tensor.ofFloats(graph.freshName("banyan/ones"), shape, ones));
    return builder
        .op(node.op(), node.attributes(), node.input(0), scale)
        .withType(node.output().knownType());
  }
}
