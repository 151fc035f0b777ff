package dev.banyan.graph.autodiff;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the driver does, on graphs small enough to say node by node what must come out. */
class DifferentiateTest {
  private static final Dim BATCH = Dim.of("batch");
  private static final Dim SEQUENCE = Dim.of("sequence");

  private final Graph graph = new Graph("test");
  private final Model model = new Model(graph, Map.of("", 17, OpId.MICROSOFT, 1), 8, Map.of());

  @Test
  void loraLayerTakesOneProductForEachFactor() {
    Value x = input("x", BATCH, SEQUENCE, Dim.of(384));
    Value a = input("layer.lora_A", Dim.of(384), Dim.of("rank"));
    Value b = input("layer.lora_B", Dim.of("rank"), Dim.of(384));
    Value base = matMul("base", x, frozen("W", 384, 384));
    Value down = matMul("down", x, a);
    Value up = matMul("up", down, b);
    Value loss = sum(node("Add", "y", base.knownType(), base, up));

    gradients(loss, a, b);

    assertThat(backward("loss"))
        .containsExactly(
            "y_grad = Expand[banyan/float(1.0), Shape]",
            "down_grad = FusedMatMul[y_grad, layer.lora_B] transB=1",
            "Flatten = Flatten[down] axis=2",
            "Flatten = Flatten[y_grad] axis=2",
            "layer.lora_B_grad = Gemm[Flatten, Flatten] transA=1",
            "Flatten = Flatten[x] axis=2",
            "Flatten = Flatten[down_grad] axis=2",
            "layer.lora_A_grad = Gemm[Flatten, Flatten] transA=1");
  }

  private List<String> backward(String afterThis) {
    List<String> lines = new ArrayList<>();
    boolean after = false;
    for (Node node : graph.nodes()) {
      if (after && !node.op().is("Shape")) {
        lines.add(plain(node));
      }
      after |= node.output().name().equals(afterThis);
    }
    return lines;
  }

  private static String plain(Node node) {
    List<String> inputs = node.inputs().stream().map(DifferentiateTest::plain).toList();
    StringBuilder line = new StringBuilder(plain(node.output()));
    line.append(" = ").append(node.op().type()).append(inputs);
    node.attributes()
        .forEach(
            (name, value) -> {
              if (value instanceof Attribute.Int(long number) && number != 0) {
                line.append(' ').append(name).append('=').append(number);
              }
            });
    return line.toString();
  }

  /** A value of the backward part that has no name of its own is called after its operator. */
  private static String plain(Value value) {
    return value.name().startsWith("banyan/gradient") && value.producer().isPresent()
        ? value.producer().get().op().type()
        : value.name();
  }

  @Test
  void nothingBelowTheLowestParameterIsDifferentiated() {
    Value x = input("x", BATCH, Dim.of(4));
    Value below = node("Tanh", "below", x.knownType(), matMul("low", x, frozen("W1", 4, 4)));
    Value a = input("a", Dim.of(4), Dim.of(4));
    Value above = node("Tanh", "above", x.knownType(), matMul("high", below, a));
    Value loss = sum(matMul("top", above, frozen("W2", 4, 4)));
    Set<Value> forward = made();

    gradients(loss, a);

    Set<Value> used = new HashSet<>();
    for (Node node : graph.nodes()) {
      if (!forward.contains(node.output())) {
        used.addAll(node.inputs());
      }
    }
    assertThat(used).contains(below, above).doesNotContain(x, graph.value("low"));
    assertThat(graph.find("below_grad")).isEmpty();
    assertThat(graph.find("W1_grad")).isEmpty();
    assertThat(graph.find("W2_grad")).isEmpty();
  }

  @Test
  void everyGradientNodeIsUsed() {
    Value x = input("x", BATCH, Dim.of(4));
    Value w = input("w", Dim.of(4));
    Value scaled = node("Mul", "scaled", x.knownType(), x, w);
    Value normal =
        node("LayerNormalization", "normal", x.knownType(), scaled, frozen("s", 4), frozen("b", 4));
    Value loss = sum(node("Softmax", "softmax", x.knownType(), normal));

    List<Value> results = new ArrayList<>(gradients(loss, w).values());

    results.add(loss);
    for (Node node : graph.nodes()) {
      assertThat(node.outputs())
          .as(node.toString())
          .anyMatch(value -> !value.users().isEmpty() || results.contains(value));
    }
  }

  @Test
  void gradientsOfSeveralUsesAreAdded() {
    Value x = input("x", Dim.of(3));
    Value loss = sum(node("Mul", "square", x.knownType(), x, x));

    gradients(loss, x);

    Node last = graph.value("x_grad").producer().orElseThrow();
    assertThat(last.op().type()).isEqualTo("Add");
    assertThat(last.input(0)).isSameAs(last.input(1));
  }

  @Test
  void broadcastBiasGradientIsSummedWithoutAskingForShapes() {
    Value x = input("x", BATCH, SEQUENCE, Dim.of(384));
    Value bias = input("bias", Dim.of(384));
    Value loss = sum(node("Add", "y", x.knownType(), x, bias));

    gradients(loss, bias);

    Node last = graph.value("bias_grad").producer().orElseThrow();
    assertThat(last.op().type()).isEqualTo("ReduceSum");
    assertThat(last.input(1).constant().orElseThrow().longs()).containsExactly(0, 1);
    assertThat(last.input(0).name()).isEqualTo("y_grad");
  }

  @Test
  void parametersWithTheSameGradientGetNamesOfTheirOwn() {
    Value a = input("a", Dim.of(3));
    Value b = input("b", Dim.of(3));
    Value loss = sum(node("Add", "y", a.knownType(), a, b));

    Map<Value, Value> gradients = gradients(loss, a, b);

    assertThat(requireNonNull(gradients.get(a)).name()).isEqualTo("a_grad");
    assertThat(requireNonNull(gradients.get(b)).name()).isEqualTo("b_grad");
    assertThat(requireNonNull(gradients.get(b)).knownType()).isEqualTo(b.knownType());
  }

  @Test
  void operatorWithoutRuleIsNamedWithItsModuleAndACure() {
    Value x = input("x", Dim.of(3));
    graph.addNode(OpId.onnx("Det"), "/encoder/layer.0/odd/Det", List.of(x), List.of("y"), Map.of());
    Value loss = sum(graph.value("y").withType(x.knownType()));

    assertThatThrownBy(() -> gradients(loss, x))
        .isInstanceOf(NotDifferentiable.class)
        .hasMessageContaining("operator Det")
        .hasMessageContaining("'/encoder/layer.0/odd/Det'")
        .hasMessageContaining("module encoder.layer.0.odd")
        .hasMessageContaining("docs/add-an-op.md");
  }

  @Test
  void fusedOperatorIsToBeExportedUnfused() {
    Value x = input("x", Dim.of(3));
    graph.addNode(OpId.microsoft("Attention"), "att", List.of(x), List.of("y"), Map.of());
    Value loss = sum(graph.value("y").withType(x.knownType()));

    assertThatThrownBy(() -> gradients(loss, x))
        .hasMessageContaining("com.microsoft.Attention")
        .hasMessageContaining("without graph optimization");
  }

  @ParameterizedTest
  @CsvSource({
    "Loop, no control flow",
    "LSTM, only above the recurrent layer",
    "MatMulInteger, train on the float model",
    "Det, docs/add-an-op.md"
  })
  void cureFitsTheOperator(String operator, String cure) {
    Value x = input("x", Dim.of(3));
    Value loss = sum(node(operator, "/decoder/odd/" + operator, x.knownType(), x));

    assertThatThrownBy(() -> gradients(loss, x))
        .isInstanceOf(NotDifferentiable.class)
        .hasMessageContaining("operator " + operator)
        .hasMessageContaining("node '/decoder/odd/" + operator + "'")
        .hasMessageContaining("module decoder.odd")
        .hasMessageContaining(cure);
  }

  @Test
  void inputThatTheRuleDoesNotMentionIsReported() {
    Value x = input("x", Dim.of(3));
    Value w = input("w", Dim.of(3));
    Value loss = sum(node("Tanh", "/layer/tanh", x.knownType(), x, w));

    assertThatThrownBy(() -> gradients(loss, w))
        .isInstanceOf(NotDifferentiable.class)
        .hasMessageContaining("rule for operator Tanh (node '/layer/tanh'")
        .hasMessageContaining("input 1, 'w'");
  }

  @Test
  void inputThatTheRuleDoesNotMentionIsNoProblemWhereNoGradientIsNeeded() {
    Value x = input("x", Dim.of(3));
    Value w = input("w", Dim.of(3));
    Value loss = sum(node("Tanh", "/layer/tanh", x.knownType(), x, w));

    assertThat(gradients(loss, x)).hasSize(1);
  }

  @Test
  void operatorWithoutRuleOffThePathIsNoProblem() {
    Value x = input("x", Dim.of(3));
    Value w = input("w", Dim.of(3));
    Value odd = node("Det", "odd", x.knownType(), x);
    Value loss = sum(node("Mul", "y", x.knownType(), odd, w));

    assertThat(gradients(loss, w)).hasSize(1);
  }

  @Test
  void subgraphThatReadsAParameterIsRefused() {
    Value w = input("w", Dim.of(3));
    Value flag = graph.addInput("flag", TensorType.of(DType.BOOL));
    Attribute branch = new Attribute.Opaque(MemorySegment.NULL, Set.of("w"));
    graph.addNode(
        OpId.onnx("If"), "/choice/If", List.of(flag), List.of("y"), Map.of("then", branch));
    Value loss = sum(graph.value("y").withType(w.knownType()));

    assertThatThrownBy(() -> gradients(loss, w)).hasMessageContaining("control flow");
  }

  @Test
  void parameterThatDoesNotInfluenceTheLossIsRefused() {
    Value x = input("x", Dim.of(3));
    Value w = input("w", Dim.of(3));
    Value loss = sum(node("Tanh", "y", x.knownType(), x));

    assertThatThrownBy(() -> gradients(loss, w))
        .isInstanceOf(NotDifferentiable.class)
        .hasMessageContaining("'w' does not influence the loss");
  }

  @Test
  void sideOutputThatTheRuleDoesNotKnowIsRefused() {
    Value x = input("x", BATCH, Dim.of(4));
    TensorType mean = TensorType.of(DType.FLOAT, BATCH, Dim.of(1));
    graph.addNode(
        OpId.onnx("LayerNormalization"),
        "norm",
        List.of(x, frozen("s", 4)),
        List.of("normal", "mean"),
        Map.of());
    graph.value("normal").withType(x.knownType());
    graph.value("mean").withType(mean);
    Value both = node("Add", "both", x.knownType(), graph.value("normal"), graph.value("mean"));

    assertThatThrownBy(() -> gradients(sum(both), x)).hasMessageContaining("output 1");
  }

  @Test
  void lossThatIsNoScalarIsRefused() {
    Value x = input("x", Dim.of(3));
    Value y = node("Tanh", "y", x.knownType(), x);

    assertThatThrownBy(() -> gradients(y, x))
        .hasMessageContaining("expected a floating-point scalar");
  }

  @Test
  void rulesOfAnotherDomainNeedAModelThatSpeaksIt() {
    Value x = input("x", BATCH, Dim.of(4));
    Value w = input("w", Dim.of(4), Dim.of(4));
    Value loss = sum(matMul("y", node("Tanh", "t", x.knownType(), x), w));
    Model plain = new Model(graph, Map.of("", 17), 8, Map.of());

    assertThatThrownBy(() -> Differentiate.of(plain, loss, List.of(x), GradientRules.forOrt()))
        .hasMessageContaining("com.microsoft.FusedMatMul");
  }

  @Test
  void laterTableOverridesARow() {
    GradientRules doubled =
        GradientRules.table().elementwise("Tanh", c -> c.times(c.dy(), 2)).build();
    Value x = input("x", Dim.of(3));
    Value loss = sum(node("Tanh", "y", x.knownType(), x));

    Differentiate.of(model, loss, List.of(x), GradientRules.plainOnnx().plus(doubled));

    assertThat(graph.value("x_grad").producer().orElseThrow().input(1).name())
        .isEqualTo("banyan/float(2.0)");
  }

  private Map<Value, Value> gradients(Value loss, Value... wrt) {
    return Differentiate.of(model, loss, List.of(wrt), GradientRules.forOrt());
  }

  private Set<Value> made() {
    Set<Value> values = new HashSet<>();
    graph.nodes().forEach(node -> values.addAll(node.outputs()));
    return values;
  }

  private Value input(String name, Dim... dims) {
    return graph.addInput(name, TensorType.of(DType.FLOAT, dims));
  }

  private Value frozen(String name, long... dims) {
    Shape shape = Shape.of(dims);
    return graph.addConstant(
        Tensor.ofFloats(name, shape, new float[Math.toIntExact(shape.elements())]));
  }

  private Value node(String op, String output, TensorType type, Value... inputs) {
    return graph
        .addNode(OpId.onnx(op), output, List.of(inputs), List.of(output), Map.of())
        .output()
        .withType(type);
  }

  private Value matMul(String output, Value x, Value w) {
    List<Dim> dims = new ArrayList<>(x.knownType().dims());
    dims.set(dims.size() - 1, w.knownType().dim(-1));
    return node("MatMul", output, new TensorType(DType.FLOAT, dims), x, w);
  }

  private Value sum(Value value) {
    return graph
        .addNode(
            OpId.onnx("ReduceSum"),
            "loss",
            List.of(value),
            List.of("loss"),
            Map.of("keepdims", Attribute.of(0L)))
        .output()
        .withType(TensorType.of(DType.FLOAT));
  }
}
