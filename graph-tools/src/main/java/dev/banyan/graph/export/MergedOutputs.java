package dev.banyan.graph.export;

import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import dev.banyan.runtime.inference.AdapterWeights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What a merged model gives: the task's answers, and what the base itself gives under a name that
 * users know.
 *
 * @param graph a bundle's eval graph
 * @param bundle what it is of
 * @param weights the adapter's, which has the labels
 */
record MergedOutputs(Graph graph, BundleManifest bundle, AdapterWeights weights) {
  private static final String LOSS = "loss";

  /** What encoders call their outputs; they stay outputs, with these shapes. */
  private static final Map<String, List<Dim>> BASE_OUTPUTS =
      Map.of(
          "last_hidden_state", List.of(Dim.of("batch"), Dim.of("sequence")),
          "token_embeddings", List.of(Dim.of("batch"), Dim.of("sequence")),
          "pooler_output", List.of(Dim.of("batch")));

  /** Makes these the outputs. */
  void choose() {
    List<Value> outputs = new ArrayList<>(graph.outputs());
    outputs.removeIf(output -> output.name().equals(LOSS));
    for (Value output : outputs) {
      output.type().ifPresent(type -> output.withType(withLabels(type)));
    }
    for (String name : BASE_OUTPUTS.keySet().stream().sorted().toList()) {
      graph
          .find(name)
          .filter(value -> !outputs.contains(value))
          .ifPresent(
              value -> {
                List<Dim> dims = new ArrayList<>(Objects.requireNonNull(BASE_OUTPUTS.get(name)));
                dims.add(Dim.of(bundle.base().hidden()));
                outputs.add(value.withType(new TensorType(DType.FLOAT, dims)));
              });
    }
    graph.setOutputs(outputs);
    RemoveUnused.from(graph);
  }

  private TensorType withLabels(TensorType type) {
    return new TensorType(
        type.dtype(),
        type.dims().stream()
            .map(
                dim ->
                    dim.equals(Dim.of(ParameterSpec.LABELS)) && !weights.labels().isEmpty()
                        ? Dim.of(weights.labels().size())
                        : dim)
            .toList());
  }
}
