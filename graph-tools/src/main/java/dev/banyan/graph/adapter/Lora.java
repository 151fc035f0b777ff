package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.LayerPart;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteKind;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/**
 * Low-rank adaptation (Hu et al., 2021, arXiv:2106.09685): a linear layer {@code y = x W} becomes
 * {@code y = x W + ((x A) scaling) B} with A of {@code [in, rank]} and B of {@code [rank, out]}.
 *
 * <p>The scaling multiplies the small {@code x A}, and the product is added before the layer's
 * bias, so that what follows the layer still looks as ONNX Runtime's fusions expect it. A table of
 * embeddings is adapted by {@link EmbeddingLora}, a convolution by {@link ConvolutionLora}. B of a
 * part of a layer is one of the whole layer with zeros in the other columns.
 */
public record Lora() implements MergeableMethod {
  @Override
  public MethodName name() {
    return MethodName.LORA;
  }

  @Override
  public boolean adapts(SiteKind kind) {
    return switch (kind) {
      case SiteKind.Linear _, SiteKind.Part _, SiteKind.Embedding _, SiteKind.Convolution _ -> true;
    };
  }

  @Override
  public List<ParameterSpec> parameters(Site site) {
    return switch (site.kind()) {
      case SiteKind.Linear _ -> ofLayer(name(), site);
      case SiteKind.Part(LayerPart columns) -> {
        List<ParameterSpec> own = ofLayer(name(), site);
        yield List.of(own.getFirst(), own.getLast().in(columns));
      }
      case SiteKind.Embedding _ -> EmbeddingLora.parameters(site);
      case SiteKind.Convolution _ -> ConvolutionLora.parameters(site);
    };
  }

  /** A and B of a linear layer, for a method that keeps them as LoRA does. */
  static List<ParameterSpec> ofLayer(MethodName method, Site site) {
    String in = Long.toString(site.inFeatures());
    String out = Long.toString(site.outFeatures());
    String a = site.path() + ".lora_A";
    String b = site.path() + ".lora_B";
    return List.of(
        ParameterSpec.of(method, a, List.of(in, ParameterSpec.RANK), Initializer.KAIMING_UNIFORM)
            .stored(a + ".weight", Layout.TRANSPOSED)
            .withDecay(),
        ParameterSpec.of(method, b, List.of(ParameterSpec.RANK, out), Initializer.ZEROS)
            .stored(b + ".weight", Layout.TRANSPOSED)
            .withDecay()
            .withScaling());
  }

  @Override
  public Value train(GraphBuilder builder, Site site, OneAdapter adapter) {
    return switch (site.kind()) {
      case SiteKind.Linear _, SiteKind.Part _ -> trainLayer(builder, site, adapter);
      case SiteKind.Embedding _ -> EmbeddingLora.train(builder, adapter);
      case SiteKind.Convolution _ -> ConvolutionLora.train(builder, site, adapter);
    };
  }

  private static Value trainLayer(GraphBuilder builder, Site site, OneAdapter adapter) {
    Value a = adapter.parameters().get(0);
    Value b = wide(builder, site, adapter.parameters().get(1), 2);
    Value small = builder.op("Mul", builder.op("MatMul", adapter.input(), a), adapter.scaling());
    return builder.op("Add", adapter.own(), builder.op("MatMul", small, b));
  }

  @Override
  public Value serve(GraphBuilder builder, Site site, AdapterBank bank) {
    return switch (site.kind()) {
      case SiteKind.Linear _, SiteKind.Part _ -> serveLayer(builder, site, bank);
      case SiteKind.Embedding _ -> EmbeddingLora.serve(builder, site, bank);
      case SiteKind.Convolution _ -> ConvolutionLora.serve(builder, site, bank);
    };
  }

  private static Value serveLayer(GraphBuilder builder, Site site, AdapterBank bank) {
    Value a = bank.ofEachRow(builder, 0);
    Value b = wide(builder, site, bank.ofEachRow(builder, 1), 3);
    Rows rows = Rows.of(builder, site.input(), bank.adapterIds());
    Value delta = builder.op("MatMul", builder.op("MatMul", rows.value(), a), b);
    long out =
        site.kind() instanceof SiteKind.Part(LayerPart columns) ? columns.of() : site.outFeatures();
    return builder.op("Add", bank.own(), rows.back(delta, out));
  }

  /** B of a part with zeros in the other columns of its layer, so that all is as for a layer. */
  private static Value wide(GraphBuilder builder, Site site, Value b, int axes) {
    if (!(site.kind() instanceof SiteKind.Part(LayerPart columns))) {
      return b;
    }
    long[] pads = new long[2 * axes];
    pads[axes - 1] = columns.from();
    pads[2 * axes - 1] = (long) columns.of() - columns.from() - columns.width();
    return builder.op("Pad", b, builder.longs(pads));
  }

  @Override
  public LayerWeights merge(Layer layer, List<Tensor> adapter, SegmentAllocator allocator) {
    return switch (SiteKind.of(layer.node())) {
      // All are [in, out]; of a part B comes with all columns.
      case SiteKind.Linear _, SiteKind.Part _, SiteKind.Embedding _ ->
          mergeLayer(layer, adapter, allocator);
      case SiteKind.Convolution _ -> ConvolutionLora.merge(layer, adapter, allocator);
    };
  }

  private static LayerWeights mergeLayer(
      Layer layer, List<Tensor> adapter, SegmentAllocator allocator) {
    // A Gemm multiplies its product by alpha, and the adapter's product was added behind that.
    double factor = 1.0 / layer.node().realAttribute("alpha", 1);
    LowRankProduct product =
        layer.node().intAttribute("transB", 0) == 0
            ? new LowRankProduct(adapter.get(0), adapter.get(1))
            : new LowRankProduct(adapter.get(1).transposed(), adapter.get(0).transposed());
    LayerWeights weights = layer.weights();
    return weights.with(product.addedTo(weights.weight(), factor, allocator));
  }
}
