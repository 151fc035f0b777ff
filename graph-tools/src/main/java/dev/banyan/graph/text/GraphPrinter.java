package dev.banyan.graph.text;

import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** Writes the grammar that {@link GraphParser} reads. */
final class GraphPrinter {
  private final StringBuilder text = new StringBuilder();

  String print(Model model) {
    text.append("<ir_version: ").append(model.irVersion()).append(", opset_import: [");
    text.append(entries(model.opsets(), version -> Integer.toString(version))).append(']');
    if (!model.metadata().isEmpty()) {
      text.append(", metadata_props: [");
      text.append(entries(model.metadata(), Names::quote)).append(']');
    }
    text.append(">\n");
    print(model.graph());
    return text.toString();
  }

  private void print(Graph graph) {
    text.append(Names.quoteIfNeeded(graph.name()));
    text.append(" (").append(typed(graph.inputs())).append(") => (");
    text.append(typed(graph.outputs())).append(")\n");
    if (!graph.constants().isEmpty()) {
      List<String> constants = new ArrayList<>();
      for (Value constant : graph.constants()) {
        Tensor tensor = constant.constant().orElseThrow();
        constants.add(typed(constant) + " = " + TensorText.print(tensor));
      }
      text.append('<').append(String.join(",\n ", constants)).append(">\n");
    }
    text.append("{\n");
    graph.nodes().forEach(node -> print(node, graph.outputs()));
    text.append("}\n");
  }

  private void print(Node node, List<Value> graphOutputs) {
    text.append("  ");
    if (!node.name().isEmpty()) {
      text.append('[').append(Names.quoteIfNeeded(node.name())).append("] ");
    }
    List<String> outputs = new ArrayList<>();
    for (Value output : node.outputs()) {
      // The type of a graph output stands in the graph's first line.
      outputs.add(graphOutputs.contains(output) ? name(output) : typed(output));
    }
    text.append(String.join(", ", outputs)).append(" = ");
    text.append(Names.quoteIfNeeded(node.op().toString()));
    if (!node.attributes().isEmpty()) {
      List<String> attributes = new ArrayList<>();
      node.attributes()
          .forEach((key, value) -> attributes.add(Names.quoteIfNeeded(key) + " = " + print(value)));
      text.append('<').append(String.join(", ", attributes)).append('>');
    }
    text.append('(').append(joined(node.inputs(), GraphPrinter::name)).append(')');
    if (!node.metadata().isEmpty()) {
      text.append(" {").append(entries(node.metadata(), Names::quote)).append('}');
    }
    text.append('\n');
  }

  private static String print(Attribute attribute) {
    return switch (attribute) {
      case Attribute.Int(long value) -> Long.toString(value);
      case Attribute.Real(float value) -> Float.toString(value);
      case Attribute.Text(String value) -> Names.quote(value);
      case Attribute.Ints(List<Long> values) -> "ints[" + joined(values, String::valueOf) + "]";
      case Attribute.Reals(List<Float> values) -> "floats[" + joined(values, String::valueOf) + "]";
      case Attribute.Texts(List<String> values) -> "strings[" + joined(values, Names::quote) + "]";
      case Attribute.Constant(Tensor value) ->
          print(TensorType.of(value.type(), value.shape()))
              + " "
              + Names.quoteIfNeeded(value.name())
              + " "
              + TensorText.print(value);
      case Attribute.Opaque opaque ->
          "opaque["
              + joined(opaque.captures().stream().sorted().toList(), Names::quoteIfNeeded)
              + "] "
              + Names.quote(
                  Base64.getEncoder()
                      .encodeToString(opaque.encoded().toArray(ValueLayout.JAVA_BYTE)));
    };
  }

  private static String typed(Collection<Value> values) {
    return joined(values, GraphPrinter::typed);
  }

  private static String typed(Value value) {
    return value.type().map(type -> print(type) + " ").orElse("") + name(value);
  }

  private static String print(TensorType type) {
    return type.dtype().name().toLowerCase(Locale.ROOT)
        + "["
        + joined(type.dims(), GraphPrinter::print)
        + "]";
  }

  private static String print(Dim dim) {
    return switch (dim) {
      case Dim.Known(long size) -> Long.toString(size);
      case Dim.Symbolic(String name) -> Names.quoteIfNeeded(name);
      case Dim.Unknown() -> "?";
    };
  }

  private static String name(Value value) {
    return Names.quoteIfNeeded(value.name());
  }

  private static <T> String joined(Collection<T> parts, Function<? super T, String> text) {
    return String.join(", ", parts.stream().map(text).toList());
  }

  private static <T> String entries(Map<String, T> map, Function<T, String> text) {
    return joined(
        new TreeMap<>(map).entrySet(),
        entry -> Names.quote(entry.getKey()) + ": " + text.apply(entry.getValue()));
  }
}
