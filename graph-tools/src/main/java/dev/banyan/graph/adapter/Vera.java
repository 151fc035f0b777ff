package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Projection;
import dev.banyan.artifacts.bundle.Role;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToLongFunction;

/**
 * VeRA (Kopiczko et al., 2023, arXiv:2310.11454): a linear layer {@code y = x W} becomes {@code y =
 * x W + (((x A) d) B) b}, where A of {@code [in, rank]} and B of {@code [rank, out]} are random,
 * never trained and the same in all layers, and the vectors d of {@code [rank]} and b of {@code
 * [out]} are trained in each. As in PEFT.
 *
 * <p>A and B are as large as the largest layer; a smaller one takes the first of A's rows and of
 * B's columns.
 */
public record Vera() implements MergeableMethod {
  private static final String SAVED = "save_projection";

  @Override
  public MethodName name() {
    return MethodName.VERA;
  }

  /** The settings that it has beside the choice of layers. */
  static List<String> settings() {
    return List.of(Projection.KEY, SAVED, Projection.INITIAL);
  }

  /**
   * The method of these settings.
   *
   * @throws IllegalArgumentException if a value is none of its kind
   */
  static Vera of(Map<String, String> settings) {
    Map<String, String> whole = whole(settings);
    require(whole, Projection.KEY, "-?[0-9]{1,15}", "a whole number");
    require(whole, SAVED, "true|false", "true or false");
    require(whole, Projection.INITIAL, "[0-9]{0,3}(\\.[0-9]{1,9})?", "a number such as 0.1");
    if (Float.parseFloat("0" + whole.get(Projection.INITIAL)) == 0) {
      throw new IllegalArgumentException(
          "method vera has d_initial='%s'; expected more than 0, at which nothing would be learned"
              .formatted(whole.get(Projection.INITIAL)));
    }
    return new Vera();
  }

  /** The same with what was not given. */
  static Map<String, String> whole(Map<String, String> settings) {
    Projection usual = Projection.usual();
    Map<String, String> whole = new TreeMap<>();
    whole.put(Projection.KEY, Long.toString(usual.key()));
    whole.put(SAVED, "true");
    whole.put(Projection.INITIAL, Float.toString(usual.initial()));
    whole.putAll(settings);
    return whole;
  }

  private static void require(
      Map<String, String> settings, String name, String form, String expected) {
    String value = settings.getOrDefault(name, "");
    if (value.isEmpty() || !value.matches(form)) {
      throw new IllegalArgumentException(
          "method vera has %s='%s'; expected %s".formatted(name, value, expected));
    }
  }

  /** d and b. */
  @Override
  public List<ParameterSpec> parameters(Site site) {
    String out = Long.toString(site.outFeatures());
    return List.of(
        vector(site, "vera_lambda_d", Size.PROJECTION.text(), Initializer.INITIAL),
        vector(site, "vera_lambda_b", out, Initializer.ZEROS));
  }

  private ParameterSpec vector(Site site, String key, String dim, Initializer init) {
    return ParameterSpec.of(name(), site.path() + "." + key, List.of(dim), init).withDecay();
  }

  /** A and B. */
  @Override
  public List<ParameterSpec> shared(List<Site> sites) {
    String rank = Size.PROJECTION.text();
    return List.of(
        matrix("vera_A", List.of(most(sites, Site::inFeatures), rank), Initializer.PROJECTION_A),
        matrix("vera_B", List.of(rank, most(sites, Site::outFeatures)), Initializer.PROJECTION_B));
  }

  private ParameterSpec matrix(String name, List<String> dims, Initializer init) {
    return ParameterSpec.of(name(), name, dims, init)
        .stored("base_model." + name, Layout.TRANSPOSED)
        .as(Role.FROZEN);
  }

  private static String most(List<Site> sites, ToLongFunction<Site> features) {
    return Long.toString(sites.stream().mapToLong(features).max().orElseThrow());
  }

  @Override
  public Value train(GraphBuilder builder, Site site, OneAdapter adapter) {
    Value a = first(builder, adapter.shared().get(0), 0, site.inFeatures());
    Value b = first(builder, adapter.shared().get(1), 1, site.outFeatures());
    Value small = builder.op("MatMul", adapter.input(), a);
    Value scaled = builder.op("Mul", small, adapter.parameters().get(0));
    Value large = builder.op("MatMul", scaled, b);
    return builder.op("Add", adapter.own(), builder.op("Mul", large, adapter.parameters().get(1)));
  }

  @Override
  public Value serve(GraphBuilder builder, Site site, AdapterBank bank) {
    Value a = first(builder, bank.shared().get(0), 1, site.inFeatures());
    Value b = first(builder, bank.shared().get(1), 2, site.outFeatures());
    Rows rows = Rows.of(builder, site.input(), bank.adapterIds());
    Value small = builder.op("MatMul", rows.value(), a);
    Value scaled = builder.op("Mul", small, rows.spread(bank.ofEachRow(builder, 0)));
    Value large = builder.op("MatMul", scaled, b);
    Value delta = builder.op("Mul", large, rows.spread(bank.ofEachRow(builder, 1)));
    return builder.op("Add", bank.own(), rows.back(delta, site.outFeatures()));
  }

  /** The first of what there is along an axis, where a larger layer needs more. */
  private static Value first(GraphBuilder builder, Value matrix, int axis, long count) {
    return matrix.knownType().dim(axis).equals(Dim.of(count))
        ? matrix
        : builder.op("Slice", matrix, builder.longs(0), builder.longs(count), builder.longs(axis));
  }

  /** As LoRA, whose A is {@code A d} and whose B is {@code B b}. */
  @Override
  public LayerWeights merge(Layer layer, List<Tensor> adapter, SegmentAllocator allocator) {
    float[] d = adapter.get(0).floats();
    float[] b = adapter.get(1).floats();
    long in = layer.weights().weight().shape().elements() / b.length;
    Tensor left = adapter.get(2).resized(Shape.of(in, d.length));
    Tensor right = adapter.get(3).resized(Shape.of(d.length, b.length));
    return new Lora()
        .merge(
            layer,
            List.of(
                new Scaled(left, true).by(d, allocator), new Scaled(right, true).by(b, allocator)),
            allocator);
  }
}
