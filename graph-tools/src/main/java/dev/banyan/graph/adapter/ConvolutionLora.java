package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.adapter.LayerMethod.AdapterBank;
import dev.banyan.graph.adapter.LayerMethod.OneAdapter;
import dev.banyan.graph.adapter.MergeableMethod.Layer;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * LoRA of a convolution, as PEFT has it: {@code y = W * x} becomes {@code y = W * x + B * ((A * x)
 * scaling)}, where A is {@code [rank, in, height, width]} and looks at windows as the layer does,
 * and B is {@code [out, rank, 1, 1]}.
 *
 * <p>No operator has a kernel for each row of a batch. So a row's A is multiplied with every pixel,
 * which gives what each place of its window would add, of rank channels instead of the layer's
 * many; and a convolution with a constant kernel of zeros and ones, one for all rows and channels,
 * adds up those of one window.
 */
final class ConvolutionLora {
  /** What of a convolution says which windows it looks at. */
  private static final Set<String> WINDOWS = Set.of("auto_pad", "pads", "strides");

  private ConvolutionLora() {}

  static List<ParameterSpec> parameters(Site site) {
    Shape weight = weight(site);
    List<String> ofA =
        List.of(
            ParameterSpec.RANK,
            Long.toString(weight.dim(1)),
            Long.toString(weight.dim(2)),
            Long.toString(weight.dim(3)));
    List<String> ofB = List.of(Long.toString(weight.dim(0)), ParameterSpec.RANK, "1", "1");
    String a = site.path() + ".lora_A";
    String b = site.path() + ".lora_B";
    MethodName method = MethodName.LORA;
    return List.of(
        ParameterSpec.of(method, a, ofA, Initializer.KAIMING_UNIFORM_KERNEL)
            .stored(a + ".weight", Layout.SAME)
            .withDecay(),
        ParameterSpec.of(method, b, ofB, Initializer.ZEROS)
            .stored(b + ".weight", Layout.SAME)
            .withDecay()
            .withScaling());
  }

  private static Shape weight(Site site) {
    return site.weight().constant().orElseThrow().shape();
  }

  /** The attributes that the layer's windows have. */
  private static Map<String, Attribute> windows(Site site) {
    return site.node().attributes().entrySet().stream()
        .filter(entry -> WINDOWS.contains(entry.getKey()))
        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
  }

  static Value train(GraphBuilder builder, Site site, OneAdapter adapter) {
    Value seen = builder.op("Conv", windows(site), adapter.input(), adapter.parameters().get(0));
    Value small = builder.op("Mul", seen, adapter.scaling());
    Value delta = builder.op("Conv", small, adapter.parameters().get(1));
    return builder.op("Add", adapter.own(), delta);
  }

  static Value serve(GraphBuilder builder, Site site, AdapterBank bank) {
    Shape weight = weight(site);
    long places = weight.dim(2) * weight.dim(3);
    Value image = site.input();
    // [batch, rank, height, width, in], so that each place of a window has rows of its own.
    Value byPlace =
        builder.op(
            "Transpose", Map.of("perm", Attribute.ints(0, 1, 3, 4, 2)), bank.ofEachRow(builder, 0));
    Value rows = builder.op("Reshape", byPlace, builder.longs(0, -1, weight.dim(1)));
    Value pixels = builder.op("Reshape", image, builder.longs(0, 0, -1));
    Value added = builder.op("MatMul", rows, pixels);
    Value size =
        builder.op("Slice", builder.op("Shape", image), builder.longs(2), builder.longs(4));
    Value images = builder.op("Reshape", added, concat(builder, builder.longs(-1, places), size));
    Value summed = builder.op("Conv", windows(site), images, ones(builder, weight));
    Value rank =
        builder.op("Slice", builder.op("Shape", byPlace), builder.longs(0), builder.longs(2));
    Value small = builder.op("Reshape", summed, concat(builder, rank, builder.longs(-1)));
    Value b =
        builder.op("Reshape", bank.ofEachRow(builder, 1), builder.longs(0, weight.dim(0), -1));
    Value delta = builder.op("MatMul", b, small);
    Value own = bank.own();
    return builder.op("Add", own, builder.op("Reshape", delta, builder.op("Shape", own)));
  }

  private static Value concat(GraphBuilder builder, Value first, Value second) {
    return builder.op("Concat", Map.of("axis", Attribute.of(0L)), first, second);
  }

  /** {@code [1, places, height, width]}: of each place its own pixel of the window. */
  private static Value ones(GraphBuilder builder, Shape weight) {
    int places = Math.toIntExact(weight.dim(2) * weight.dim(3));
    float[] values = new float[places * places];
    for (int place = 0; place < places; place++) {
      values[place * places + place] = 1;
    }
    String name = "banyan/window(%d, %d)".formatted(weight.dim(2), weight.dim(3));
    Shape shape = Shape.of(1, places, weight.dim(2), weight.dim(3));
    return builder
        .graph()
        .find(name)
        .orElseGet(() -> builder.graph().addConstant(Tensor.ofFloats(name, shape, values)));
  }

  /** With its windows in rows, a convolution is a product. */
  static LayerWeights merge(Layer layer, List<Tensor> adapter, SegmentAllocator allocator) {
    LowRankProduct product = new LowRankProduct(adapter.get(1), adapter.get(0));
    return layer.weights().with(product.addedTo(layer.weights().weight(), 1, allocator));
  }
}
