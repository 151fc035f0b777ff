package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.adapter.LayerMethod.AdapterBank;
import dev.banyan.graph.adapter.LayerMethod.OneAdapter;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.util.List;
import java.util.Map;

/**
 * LoRA of a table of embeddings, as PEFT has it: {@code y = E[id]} becomes {@code y = E[id] +
 * (A[id] scaling) B} with A of {@code [rows, rank]} and B of {@code [rank, out]}. Here it is A that
 * starts with zeros, and nothing is dropped.
 *
 * <p>A bank of A is read in place, by slot and id: a row costs what it looks up, whatever the
 * number of slots and of tokens.
 */
final class EmbeddingLora {
  private EmbeddingLora() {}

  static List<ParameterSpec> parameters(Site site) {
    String rows = Long.toString(site.inFeatures());
    String out = Long.toString(site.outFeatures());
    String a = site.path() + ".lora_embedding_A";
    String b = site.path() + ".lora_embedding_B";
    MethodName method = MethodName.LORA;
    return List.of(
        ParameterSpec.of(method, a, List.of(rows, ParameterSpec.RANK), Initializer.ZEROS)
            .stored(a, Layout.TRANSPOSED)
            .withDecay(),
        ParameterSpec.of(method, b, List.of(ParameterSpec.RANK, out), Initializer.NORMAL)
            .stored(b, Layout.TRANSPOSED)
            .withDecay()
            .withScaling());
  }

  static Value train(GraphBuilder builder, OneAdapter adapter) {
    Value rows = builder.op("Gather", adapter.parameters().get(0), adapter.input());
    Value small = builder.op("Mul", rows, adapter.scaling());
    Value delta = builder.op("MatMul", small, adapter.parameters().get(1));
    return builder.op("Add", adapter.own(), delta);
  }

  /**
   * Positions that all texts share, {@code [1, sequence]}, give one row for each text from here.
   */
  static Value serve(GraphBuilder builder, Site site, AdapterBank bank) {
    Value rows = builder.op("GatherND", bank.parameters().getFirst(), indices(builder, site, bank));
    Value delta = builder.op("MatMul", rows, bank.ofEachRow(builder, 1));
    TensorType own = bank.own().knownType();
    Dim batch = bank.adapterIds().knownType().dim(0);
    return builder
        .op("Add", bank.own(), delta)
        .withType(TensorType.of(own.dtype(), batch, own.dim(1), own.dim(2)));
  }

  /** Slot and id of each token, {@code [batch, sequence, 2]}. */
  private static Value indices(GraphBuilder builder, Site site, AdapterBank bank) {
    Value ids = site.input();
    if (ids.knownType().dtype() != DType.INT64) {
      Attribute to = Attribute.of((long) DType.INT64.onnxCode());
      ids = builder.op("Cast", Map.of("to", to), ids);
    }
    Value zero = builder.scalar(0L);
    Value slots = builder.op("Reshape", bank.adapterIds(), builder.longs(-1, 1));
    // Sums with zeros, so that both have an element for each token of each text.
    Value ofRow = builder.op("Add", slots, builder.op("Mul", ids, zero));
    Value ofToken = builder.op("Add", ids, builder.op("Mul", slots, zero));
    return builder.op(
        "Concat",
        Map.of("axis", Attribute.of(2L)),
        builder.op("Reshape", ofRow, builder.longs(0, 0, 1)),
        builder.op("Reshape", ofToken, builder.longs(0, 0, 1)));
  }
}
