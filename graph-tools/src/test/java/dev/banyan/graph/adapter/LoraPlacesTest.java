package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.adapter.LayerMethod.Point;
import dev.banyan.graph.adapter.MergeableMethod.Layer;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteDiscovery;
import dev.banyan.graph.text.GraphText;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What {@link AdapterMethodContract} asks of methods at linear layers, asked of LoRA at each of the
 * other places: start as the base, serve what was trained, keep rows apart, merge, be removed.
 */
class LoraPlacesTest {
  private static final int RANK = 2;
  private static final int ROWS = 3;
  private static final int[] SLOTS = {2, 0, 1};
  private static final float SCALING = 0.5f;

  /** Sums of a few products of numbers of about 1, in float32. */
  private static final float TOLERANCE = 1e-5f;

  private static final Lora LORA = new Lora();

  @TempDir Path folder;

  private final SplittableRandom random = new SplittableRandom(9);

  /**
   * A model with one such place.
   *
   * @param name what it is
   * @param path of its module
   * @param text the model, whose input is {@code x}
   * @param each shape of the input behind the rows
   */
  record Place(String name, String path, String text, List<Long> each) {
    Model model() {
      return GraphText.parse(text);
    }

    Site site(Model model) {
      return SiteDiscovery.inspect(model).others().stream()
          .filter(site -> site.path().equals(path))
          .findFirst()
          .orElseThrow();
    }

    List<ParameterSpec> parameters() {
      return LORA.parameters(site(model()));
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Place> places() {
    return Stream.of(
        new Place(
            "embedding of tokens",
            "e.words",
            """
            <ir_version: 8, opset_import: ["": 17]>
            g (int64[batch, sequence] x) => (float[batch, sequence, 3] y)
            <float[4, 3] e.words.weight = {1.5, 2.0, -3.0, 0.25, 0.5, 1.0, -1.0, 2.5, 0.75, 1.0, 2.0, -2.0}>
            {
              [/e/words/Gather] float[batch, sequence, 3] own = Gather(e.words.weight, x)
              y = Neg(own)
            }
            """,
            List.of(5L)),
        new Place(
            "embedding of positions that texts share",
            "e.positions",
            """
            <ir_version: 8, opset_import: ["": 17]>
            g (int64[batch, sequence] x) => (float[batch, sequence, 3] y)
            <float[4, 3] e.positions.weight = {1.5, 2.0, -3.0, 0.25, 0.5, 1.0, -1.0, 2.5, 0.75, 1.0, 2.0, -2.0},
             int64[1, 3] numbers = {2, 0, 3}, int64[1] first = {2}>
            {
              int32[1, 3] positions = Cast<to = 6>(numbers)
              [/e/positions/Gather] float[1, 3, 3] own = Gather(e.positions.weight, positions)
              float[batch, sequence] floats = Cast<to = 1>(x)
              float[batch, sequence, 1] words = Unsqueeze(floats, first)
              y = Add(words, own)
            }
            """,
            List.of(3L)),
        new Place(
            "value of a packed layer",
            "e.qkv.v",
            """
            <ir_version: 8, opset_import: ["": 17]>
            g (float[batch, 4, 2] x) => (float[batch, 4, 6] y)
            <float[2, 6] w = {1.5, 2.0, -3.0, 0.25, 0.5, 1.0, -1.0, 2.5, 0.75, 1.0, 2.0, -2.0},
             float[6] b = {0.5, 1.0, -1.0, 2.5, 0.75, 1.0}>
            {
              [/e/qkv/MatMul] float[batch, 4, 6] product = MatMul(x, w)
              [/e/qkv/Add] float[batch, 4, 6] packed = Add(b, product)
              float[batch, 4, 2] q, float[batch, 4, 2] k, float[batch, 4, 2] v = Split<axis = -1>(packed)
              y = Concat<axis = 2>(v, k, q)
            }
            """,
            List.of(4L, 2L)),
        new Place(
            "key of a packed layer over rows",
            "e.qkv.k",
            """
            <ir_version: 8, opset_import: ["": 17]>
            g (float[batch, 4, 2] x) => (float[batch, 4, 3, 2, 1] y)
            <float[6, 2] w = {1.5, 2.0, -3.0, 0.25, 0.5, 1.0, -1.0, 2.5, 0.75, 1.0, 2.0, -2.0},
             float[6] b = {0.5, 1.0, -1.0, 2.5, 0.75, 1.0},
             int64[2] rows = {-1, 2}, int64[5] heads = {-1, 4, 3, 2, 1}>
            {
              float[rows, 2] flat = Reshape(x, rows)
              [/e/qkv/Gemm] float[rows, 6] product = Gemm<transB = 1>(flat, w, b)
              y = Reshape(product, heads)
            }
            """,
            List.of(4L, 2L)),
        convolution("3, 3", "pads = ints[1, 1, 1, 1], strides = ints[2, 2]", 6 * 9),
        convolution("1, 1", "strides = ints[2, 1]", 6),
        convolution("1, 1", "pads = ints[0, 0, 0, 0]", 6),
        convolution("3, 1", "pads = ints[2, 0, 0, 0]", 6 * 3),
        convolution("2, 3", "auto_pad = \"SAME_UPPER\"", 6 * 6));
  }

  private static Place convolution(String kernel, String windows, int elements) {
    String values =
        new SplittableRandom(4)
            .doubles(elements)
            .mapToObj(value -> Float.toString((float) value - 0.5f))
            .collect(Collectors.joining(", "));
    String text =
        """
        <ir_version: 8, opset_import: ["": 17]>
        g (float[batch, 2, 5, 4] x) => (float[batch, 3, ?, ?] y)
        <float[3, 2, %s] w = {%s}, float[3] b = {0.5, -1.0, 2.0}>
        {
          [/stem/conv/Conv] float[batch, 3, ?, ?] own = Conv<%s>(x, w, b)
          y = Neg(own)
        }
        """
            .formatted(kernel, values, windows);
    return new Place(
        "convolution [%s] %s".formatted(kernel, windows), "stem.conv", text, List.of(2L, 5L, 4L));
  }

  @ParameterizedTest
  @MethodSource("places")
  void initialValuesLeaveTheBaseAsItIs(Place place) {
    Tensor x = inputs(place, ROWS);
    Map<String, Tensor> start = new HashMap<>();
    new ParameterInitializer(3)
        .tensors(place.parameters(), Sizes.of(RANK, 1))
        .forEach(tensor -> start.put(tensor.name(), tensor));
    assertThat(train(place, x, start)).isEqualTo(base(place, x));
  }

  @ParameterizedTest
  @MethodSource("places")
  void everyServedRowIsWhatItsAdapterGivesInTrainingAndZerosAreTheBase(Place place) {
    List<Map<String, Tensor>> adapters = List.of(Map.of(), adapter(place), adapter(place));
    Tensor x = inputs(place, ROWS);
    float[] served = serve(place, x, adapters);
    int each = served.length / ROWS;
    for (int row = 0; row < ROWS; row++) {
      Tensor one = row(x, row);
      float[] alone =
          SLOTS[row] == 0 ? base(place, one) : train(place, one, adapters.get(SLOTS[row]));
      assertThat(Arrays.copyOfRange(served, row * each, (row + 1) * each))
          .containsExactly(alone, within(SLOTS[row] == 0 ? 0 : TOLERANCE));
    }
  }

  @ParameterizedTest
  @MethodSource("places")
  void anAdapterChangesTheOutput(Place place) {
    Tensor x = inputs(place, ROWS);
    assertThat(train(place, x, adapter(place))).isNotEqualTo(base(place, x));
  }

  @ParameterizedTest
  @MethodSource("places")
  void aMergedWeightGivesWhatPlaceAndAdapterGive(Place place) {
    Tensor x = inputs(place, ROWS);
    Map<String, Tensor> adapter = adapter(place);
    Model model = place.model();
    Site site = place.site(model);
    List<Tensor> folded =
        place.parameters().stream().map(spec -> ofLayer(spec, folded(spec, adapter))).toList();
    Tensor weight = site.weight().constant().orElseThrow();
    Layer layer = new Layer(site.path(), site.node(), new LayerWeights(weight, Optional.empty()));
    Tensor merged = LORA.merge(layer, folded, Arena.ofAuto()).weight();
    assertThat(merged.shape()).isEqualTo(weight.shape());
    Value other = model.graph().addConstant(merged.named("merged"));
    site.node().replaceInput(Site.weightPlace(site.node()), other);
    assertThat(run(model, Map.of("x", x)))
        .containsExactly(train(place, x, adapter), within(TOLERANCE));
  }

  @ParameterizedTest
  @MethodSource("places")
  void aRemovedAdapterLeavesTheBase(Place place) {
    Model model = place.model();
    Value scaling = model.graph().addInput("scaling", TensorType.of(DType.FLOAT));
    List<Value> parameters =
        new InsertAdapters(model.graph(), LORA).forTraining(List.of(place.site(model)), scaling);
    RemoveAdapters remove = new RemoveAdapters(model.graph(), LORA.name());
    Node node = remove.layer(place.path(), Point.PRODUCT);
    assertThat(node.name()).isEqualTo(place.site(place.model()).node().name());
    remove.at(place.path(), parameters);
    model.graph().removeUnused(scaling);
    assertThat(GraphText.print(model)).isEqualTo(GraphText.print(place.model()));
  }

  @ParameterizedTest
  @MethodSource("places")
  void parametersAreNamedAfterThePlace(Place place) {
    assertThat(place.site(place.model()).path()).isEqualTo(place.path());
    assertThat(place.parameters())
        .isNotEmpty()
        .allSatisfy(spec -> assertThat(spec.site()).isEqualTo(place.path()));
  }

  private Map<String, Tensor> adapter(Place place) {
    Map<String, Tensor> adapter = new LinkedHashMap<>();
    for (ParameterSpec spec : place.parameters()) {
      Shape shape = spec.shape(RANK, 1);
      adapter.put(spec.name(), numbers(spec.name(), shape));
    }
    return adapter;
  }

  private Tensor inputs(Place place, int rows) {
    List<Long> dims = new ArrayList<>(List.of((long) rows));
    dims.addAll(place.each());
    Shape shape = new Shape(dims);
    if (place.model().graph().value("x").knownType().dtype() == DType.FLOAT) {
      return numbers("x", shape);
    }
    long[] ids = random.longs(shape.elements(), 0, 4).toArray();
    return Tensor.ofLongs("x", shape, ids);
  }

  private Tensor numbers(String name, Shape shape) {
    float[] numbers = new float[Math.toIntExact(shape.elements())];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    return Tensor.ofFloats(name, shape, numbers);
  }

  private static Tensor row(Tensor x, int row) {
    List<Long> dims = new ArrayList<>(x.shape().dims());
    long bytes = x.data().byteSize() / dims.set(0, 1L);
    return new Tensor(x.name(), x.type(), new Shape(dims), x.data().asSlice(row * bytes, bytes));
  }

  private float[] base(Place place, Tensor x) {
    return run(place.model(), Map.of("x", x));
  }

  private float[] train(Place place, Tensor x, Map<String, Tensor> adapter) {
    Model model = place.model();
    Value scaling = model.graph().addInput("scaling", TensorType.of(DType.FLOAT));
    new InsertAdapters(model.graph(), LORA).forTraining(List.of(place.site(model)), scaling);
    Map<String, Tensor> feeds = new HashMap<>(adapter);
    feeds.put("x", x);
    feeds.put("scaling", Tensor.ofFloats("scaling", Shape.SCALAR, SCALING));
    return run(model, feeds);
  }

  private float[] serve(Place place, Tensor x, List<Map<String, Tensor>> adapters) {
    Model model = place.model();
    Graph graph = model.graph();
    Value ids = graph.addInput("ids", TensorType.of(DType.INT64, Dim.of("batch")));
    new InsertAdapters(graph, LORA).forServing(List.of(place.site(model)), ids);
    Map<String, Tensor> feeds = new HashMap<>(Map.of("x", x));
    long[] slots = Arrays.stream(SLOTS).asLongStream().toArray();
    feeds.put("ids", Tensor.ofLongs("ids", Shape.of(slots.length), slots));
    for (ParameterSpec spec : place.parameters()) {
      feeds.put(spec.bankName(), bank(spec, adapters));
    }
    return run(model, feeds);
  }

  private static Tensor bank(ParameterSpec spec, List<Map<String, Tensor>> adapters) {
    Shape each = spec.shape(RANK, 1);
    List<Long> dims = new ArrayList<>(List.of((long) adapters.size()));
    dims.addAll(each.dims());
    int elements = Math.toIntExact(each.elements());
    float[] values = new float[adapters.size() * elements];
    for (int slot = 0; slot < adapters.size(); slot++) {
      if (!adapters.get(slot).isEmpty()) {
        float[] own = folded(spec, adapters.get(slot)).floats();
        System.arraycopy(own, 0, values, slot * elements, elements);
      }
    }
    return Tensor.ofFloats(spec.bankName(), new Shape(dims), values);
  }

  /** An adapter's own parameter with the scaling folded in. */
  private static Tensor folded(ParameterSpec spec, Map<String, Tensor> adapter) {
    Tensor own = Objects.requireNonNull(adapter.get(spec.name()));
    float[] values = own.floats();
    for (int i = 0; i < values.length; i++) {
      values[i] *= spec.scaled() ? SCALING : 1;
    }
    return Tensor.ofFloats(spec.name(), own.shape(), values);
  }

  /** With all columns of the layer that it is a part of. */
  private static Tensor ofLayer(ParameterSpec spec, Tensor own) {
    return spec.part().map(part -> part.widened(own)).orElse(own);
  }

  private float[] run(Model model, Map<String, Tensor> feeds) {
    Path file = folder.resolve("model-" + random.nextLong(Long.MAX_VALUE) + ".onnx");
    return GraphRun.of(model, file, feeds).values().iterator().next();
  }
}
