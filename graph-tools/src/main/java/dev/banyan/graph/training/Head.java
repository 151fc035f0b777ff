package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.graph.adapter.InsertAdapters;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Value;
import java.util.List;

/**
 * A linear layer from a vector to a score for each label: from that of a text, or from those of its
 * tokens.
 *
 * @param hidden size of a vector
 */
record Head(long hidden) {
  /** Weight {@code [hidden, labels]} and bias {@code [labels]}. */
  List<ParameterSpec> parameters() {
    String weight = "classifier.weight";
    String bias = "classifier.bias";
    return List.of(
        ParameterSpec.common(
            weight,
            List.of(Long.toString(hidden), ParameterSpec.LABELS),
            Initializer.NORMAL_0_02,
            Layout.TRANSPOSED),
        ParameterSpec.common(bias, List.of(ParameterSpec.LABELS), Initializer.ZEROS, Layout.SAME));
  }

  /**
   * Adds the layer.
   *
   * @param vectors {@code [batch, hidden]} or {@code [batch, sequence, hidden]}
   * @param parameters weight and bias
   * @return the same with {@code labels} as the last axis
   */
  Value train(Nodes nodes, Value vectors, List<Value> parameters) {
    Nodes inner = nodes.in("classifier");
    return inner.op("Add", inner.op("MatMul", vectors, parameters.get(0)), parameters.get(1));
  }

  /**
   * Adds the layer over the vectors of texts with weights of each row's own, out of banks that
   * become graph inputs.
   *
   * @param embedding {@code [batch, hidden]}
   * @return {@code [batch, labels]}, with what the bank has behind an adapter's own labels
   */
  Value serveTexts(Nodes nodes, Value embedding, Value adapterIds) {
    Nodes inner = nodes.in("classifier");
    List<Value> ofEachRow = ofEachRow(inner, adapterIds);
    Value row = inner.reshape(embedding, 0, 1, hidden);
    Value product = inner.op("MatMul", row, ofEachRow.get(0));
    // The first bank's labels axis has no fixed size, so the rest is left to "-1".
    return inner.op("Add", inner.reshape(product, 0, -1), ofEachRow.get(1));
  }

  /**
   * The same over the vectors of tokens.
   *
   * @param vectors {@code [batch, sequence, hidden]}
   * @return {@code [batch, sequence, labels]}
   */
  Value serveTokens(Nodes nodes, Value vectors, Value adapterIds) {
    Nodes inner = nodes.in("classifier");
    List<Value> ofEachRow = ofEachRow(inner, adapterIds);
    Value product = inner.op("MatMul", vectors, ofEachRow.get(0));
    return inner.op("Add", product, inner.reshape(ofEachRow.get(1), 0, 1, -1));
  }

  private List<Value> ofEachRow(Nodes inner, Value adapterIds) {
    Graph graph = inner.builder().graph();
    return parameters().stream()
        .map(spec -> inner.op("Gather", InsertAdapters.addBank(graph, spec), adapterIds))
        .toList();
  }
}
