package dev.banyan.graph.text;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Reads the grammar by recursive descent: one method, one rule. */
final class GraphParser {
  private record TypedName(Optional<TensorType> type, String name) {}

  private final Tokens tokens;

  GraphParser(Tokens tokens) {
    this.tokens = tokens;
  }

  Model model() {
    tokens.expect("<");
    key("ir_version");
    int irVersion = Math.toIntExact(integer());
    tokens.expect(",");
    key("opset_import");
    Map<String, Integer> opsets = new HashMap<>();
    entries("[", "]", name -> opsets.put(name, Math.toIntExact(integer())));
    Map<String, String> metadata = new HashMap<>();
    if (tokens.takeIf(",")) {
      key("metadata_props");
      entries("[", "]", name -> metadata.put(name, tokens.name()));
    }
    tokens.expect(">");
    Graph graph = graph();
    tokens.expectEnd();
    return new Model(graph, opsets, irVersion, metadata);
  }

  private Graph graph() {
    Graph graph = new Graph(tokens.name());
    for (TypedName input : list("(", ")", this::typedName)) {
      graph.addInput(input.name(), input.type().orElseThrow(() -> tokens.unexpected("a type")));
    }
    tokens.expect("=>");
    List<TypedName> outputs = list("(", ")", this::typedName);
    if (tokens.nextIs("<")) {
      list("<", ">", () -> constant(graph));
    }
    tokens.expect("{");
    while (!tokens.takeIf("}")) {
      node(graph);
    }
    for (TypedName output : outputs) {
      Value value =
          graph
              .find(output.name())
              .orElseThrow(() -> tokens.unexpected("a node that makes '" + output.name() + "'"));
      output.type().filter(type -> !value.isConstant()).ifPresent(value::withType);
      graph.addOutput(value);
    }
    return graph;
  }

  private Value constant(Graph graph) {
    TensorType type = type();
    String name = tokens.name();
    tokens.expect("=");
    return graph.addConstant(TensorText.parse(tokens, name, type.dtype(), shape(type)));
  }

  private void node(Graph graph) {
    String name = "";
    if (tokens.takeIf("[")) {
      name = tokens.name();
      tokens.expect("]");
    }
    List<TypedName> outputs = new ArrayList<>();
    do {
      outputs.add(typedName());
    } while (tokens.takeIf(","));
    tokens.expect("=");
    OpId op = op(tokens.name());
    Map<String, Attribute> attributes = new HashMap<>();
    if (tokens.nextIs("<")) {
      list("<", ">", () -> attribute(attributes));
    }
    List<Value> inputs = new ArrayList<>();
    for (String input : list("(", ")", tokens::name)) {
      inputs.add(input.isEmpty() ? Value.NONE : graph.declare(input));
    }
    Map<String, String> notes = new HashMap<>();
    if (tokens.nextIs("{")) {
      entries("{", "}", key -> notes.put(key, tokens.name()));
    }
    List<String> names = outputs.stream().map(TypedName::name).toList();
    graph.addNode(op, name, inputs, names, attributes).setMetadata(notes);
    for (TypedName output : outputs) {
      output.type().ifPresent(type -> graph.value(output.name()).withType(type));
    }
  }

  private String attribute(Map<String, Attribute> attributes) {
    String name = tokens.name();
    tokens.expect("=");
    attributes.put(name, attribute());
    return name;
  }

  private Attribute attribute() {
    if (tokens.isQuoted()) {
      return Attribute.of(tokens.name());
    }
    return switch (tokens.peek()) {
      case "ints" -> new Attribute.Ints(listNamed(this::integer));
      case "floats" -> new Attribute.Reals(listNamed(this::real));
      case "strings" -> new Attribute.Texts(listNamed(tokens::name));
      case "opaque" -> {
        List<String> captures = listNamed(tokens::name);
        byte[] bytes = Base64.getDecoder().decode(tokens.name());
        yield new Attribute.Opaque(MemorySegment.ofArray(bytes), new HashSet<>(captures));
      }
      default -> isType() ? tensor() : number();
    };
  }

  private Attribute tensor() {
    TensorType type = type();
    return new Attribute.Constant(
        TensorText.parse(tokens, tokens.name(), type.dtype(), shape(type)));
  }

  private Attribute number() {
    return tokens.peek().matches("-?\\d+") ? Attribute.of(integer()) : Attribute.of(real());
  }

  /** {@code com.microsoft.Gelu}: the domain ends at the last dot. */
  private static OpId op(String name) {
    int dot = name.lastIndexOf('.');
    return new OpId(name.substring(0, Math.max(0, dot)), name.substring(dot + 1));
  }

  private TypedName typedName() {
    Optional<TensorType> type = isType() ? Optional.of(type()) : Optional.empty();
    return new TypedName(type, tokens.name());
  }

  private boolean isType() {
    return dtype(tokens.peek()).isPresent();
  }

  private static Optional<DType> dtype(String word) {
    for (DType type : DType.values()) {
      if (type.name().toLowerCase(Locale.ROOT).equals(word)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  private TensorType type() {
    DType dtype =
        dtype(tokens.peek()).orElseThrow(() -> tokens.unexpected("an element type such as float"));
    tokens.take();
    return new TensorType(dtype, list("[", "]", this::dim));
  }

  private Dim dim() {
    if (tokens.takeIf("?")) {
      return new Dim.Unknown();
    }
    return tokens.peek().matches("\\d+") ? Dim.of(integer()) : Dim.of(tokens.name());
  }

  private Shape shape(TensorType type) {
    return type.shape().orElseThrow(() -> tokens.unexpected("a shape of numbers before"));
  }

  private long integer() {
    try {
      long value = Long.parseLong(tokens.peek());
      tokens.take();
      return value;
    } catch (NumberFormatException e) {
      throw tokens.unexpected("a whole number");
    }
  }

  private float real() {
    try {
      float value = Float.parseFloat(tokens.peek());
      tokens.take();
      return value;
    } catch (NumberFormatException e) {
      throw tokens.unexpected("a number");
    }
  }

  private void key(String name) {
    tokens.expect(name);
    tokens.expect(":");
  }

  private <T> List<T> listNamed(Supplier<T> item) {
    tokens.take();
    return list("[", "]", item);
  }

  private <T> List<T> list(String open, String close, Supplier<T> item) {
    List<T> items = new ArrayList<>();
    tokens.expect(open);
    while (!tokens.nextIs(close)) {
      if (!items.isEmpty()) {
        tokens.expect(",");
      }
      items.add(item.get());
    }
    tokens.expect(close);
    return items;
  }

  private void entries(String open, String close, Consumer<String> value) {
    list(
        open,
        close,
        () -> {
          String name = tokens.name();
          tokens.expect(":");
          value.accept(name);
          return name;
        });
  }
}
