package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.PathMatch;
import dev.banyan.graph.site.Site;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.Optional;

/**
 * IA3 (Liu et al., 2022, arXiv:2205.05638): a layer's output, with its bias, is multiplied element
 * by element by a learned vector; of a feed-forward layer the input is. As in PEFT.
 *
 * @param feedforward the layers whose input is scaled; absent if none are
 */
public record Ia3(Optional<PathMatch> feedforward) implements MergeableMethod {
  @Override
  public MethodName name() {
    return MethodName.IA3;
  }

  @Override
  public List<ParameterSpec> parameters(Site site) {
    String name = site.path() + ".ia3_l";
    boolean input = point(site) == Point.INPUT;
    String size = Long.toString(input ? site.inFeatures() : site.outFeatures());
    return List.of(
        ParameterSpec.of(name(), name, List.of(size), Initializer.ONES)
            .stored(name, input ? Layout.ROW : Layout.COLUMN));
  }

  @Override
  public Point pointAt(String path) {
    return feedforward.filter(match -> match.matches(path)).isPresent()
        ? Point.INPUT
        : Point.OUTPUT;
  }

  @Override
  public Value train(GraphBuilder builder, Site site, OneAdapter adapter) {
    return builder.op("Mul", adapter.own(), adapter.parameters().getFirst());
  }

  /** The bank has distances from one. */
  @Override
  public Value serve(GraphBuilder builder, Site site, AdapterBank bank) {
    Value factors = builder.op("Add", bank.ofEachRow(builder, 0), builder.scalar(1f));
    Rows rows = Rows.of(builder, bank.own(), bank.adapterIds());
    long width = point(site) == Point.INPUT ? site.inFeatures() : site.outFeatures();
    return rows.back(builder.op("Mul", rows.value(), rows.spread(factors)), width);
  }

  @Override
  public LayerWeights merge(Layer layer, List<Tensor> adapter, SegmentAllocator allocator) {
    float[] factors = adapter.getFirst().floats();
    Tensor weight = layer.weights().weight();
    boolean transposed = layer.node().intAttribute("transB", 0) != 0;
    boolean input = pointAt(layer.path()) == Point.INPUT;
    boolean byColumn = input == transposed;
    return new LayerWeights(
        new Scaled(weight, byColumn).by(factors, allocator),
        input
            ? layer.weights().bias()
            : layer.weights().bias().map(bias -> new Scaled(bias, true).by(factors, allocator)));
  }
}
