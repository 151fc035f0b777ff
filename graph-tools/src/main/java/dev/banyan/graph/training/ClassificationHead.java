package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.graph.adapter.InsertAdapters;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Value;
import java.util.List;

/**
 * A linear layer from the pooled vector to a score for each label.
 *
 * @param hidden size of the pooled vector
 */
record ClassificationHead(long hidden) {
  /** Weight {@code [hidden, labels]} and bias {@code [labels]}. */
  List<ParameterSpec> parameters() {
    String weight = "classifier.weight";
    String bias = "classifier.bias";
    return List.of(
        new ParameterSpec(
            weight,
            List.of(Long.toString(hidden), ParameterSpec.LABELS),
            Initializer.NORMAL_0_02,
            weight,
            true,
            false,
            true),
        new ParameterSpec(
            bias, List.of(ParameterSpec.LABELS), Initializer.ZEROS, bias, false, false, false));
  }

  /**
   * Adds the layer.
   *
   * @param embedding {@code [batch, hidden]}
   * @param parameters weight and bias
   * @return {@code [batch, labels]}
   */
  Value train(Nodes nodes, Value embedding, List<Value> parameters) {
    Nodes inner = nodes.in("classifier");
    return inner.op("Add", inner.op("MatMul", embedding, parameters.get(0)), parameters.get(1));
  }

  /**
   * Adds the layer with weights of each row's own, out of banks that become graph inputs.
   *
   * @return {@code [batch, labels]}, with what the bank has behind an adapter's own labels
   */
  Value serve(Nodes nodes, Value embedding, Value adapterIds) {
    Nodes inner = nodes.in("classifier");
    Graph graph = inner.builder().graph();
    List<Value> ofEachRow =
        parameters().stream()
            .map(spec -> inner.op("Gather", InsertAdapters.addBank(graph, spec), adapterIds))
            .toList();
    Value row = inner.reshape(embedding, 0, 1, hidden);
    Value product = inner.op("MatMul", row, ofEachRow.get(0));
    // The first bank's labels axis has no fixed size, so the rest is left to "-1".
    return inner.op("Add", inner.reshape(product, 0, -1), ofEachRow.get(1));
  }
}
