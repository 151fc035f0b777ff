package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.text.GraphText;
import dev.banyan.runtime.base.BaseNorms;
import dev.banyan.runtime.base.LayerFactors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What every adapter method must do at every kind of site: start as the base, serve what was
 * trained, and keep the rows of a batch apart. A subclass names the method.
 */
abstract class AdapterMethodContract {
  private static final int BATCH = 3;
  private static final int RANK = 2;
  private static final int SLOTS = 3;
  private static final float SCALING = 0.5f;

  /** What makes up for what is dropped of a half. */
  private static final float COMPENSATION = 2;

  /** Sums of a few products of numbers of about 1, in float32. */
  private static final float TOLERANCE = 1e-5f;

  @TempDir Path folder;

  private final SplittableRandom random = new SplittableRandom(9);

  /** The method at hand. */
  abstract LayerMethod method();

  /**
   * What a bank holds, and a layer is merged with, in place of a parameter; empty if that is what
   * follows from the parameter alone.
   *
   * @param adapter by parameter name, with the scaling folded in
   * @param weight the layer's, {@code [in, out]}
   */
  Optional<Tensor> ofWeight(ParameterSpec spec, Map<String, Tensor> adapter, Tensor weight) {
    return Optional.empty();
  }

  @ParameterizedTest
  @EnumSource
  void initialValuesLeaveTheBaseAsItIs(OneLayer layer) {
    float[] x = numbers(BATCH * layer.tokens() * OneLayer.IN);
    Map<String, Tensor> start = new HashMap<>();
    for (Tensor tensor :
        new ParameterInitializer(3, values(layer)).tensors(parameters(layer), Sizes.of(RANK, 1))) {
      start.put(tensor.name(), tensor);
    }
    assertThat(train(layer, BATCH, x, start)).isEqualTo(base(layer, BATCH, x));
  }

  @ParameterizedTest
  @EnumSource
  void zerosInABankLeaveTheBaseAsItIs(OneLayer layer) {
    float[] x = numbers(BATCH * layer.tokens() * OneLayer.IN);
    assertThat(serve(layer, BATCH, x, adapters(layer), 0, 0, 0)).isEqualTo(base(layer, BATCH, x));
  }

  @ParameterizedTest
  @EnumSource
  void everyRowOfAServedBatchIsWhatItsAdapterGivesInTraining(OneLayer layer) {
    List<Map<String, Tensor>> adapters = adapters(layer);
    float[] x = numbers(BATCH * layer.tokens() * OneLayer.IN);
    float[] served = serve(layer, BATCH, x, adapters, 2, 0, 1);
    int rowIn = layer.tokens() * OneLayer.IN;
    int rowOut = layer.tokens() * OneLayer.OUT;
    int[] slots = {2, 0, 1};
    for (int row = 0; row < BATCH; row++) {
      float[] alone =
          train(
              layer,
              1,
              Arrays.copyOfRange(x, row * rowIn, (row + 1) * rowIn),
              adapters.get(slots[row]));
      assertThat(Arrays.copyOfRange(served, row * rowOut, (row + 1) * rowOut))
          .containsExactly(alone, within(TOLERANCE));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aMergedWeightGivesWhatLayerAndAdapterGive(OneLayer layer) {
    Assumptions.assumeTrue(method() instanceof MergeableMethod, "cannot be merged");
    MergeableMethod mergeable = (MergeableMethod) method();
    float[] x = numbers(BATCH * layer.tokens() * OneLayer.IN);
    Map<String, Tensor> adapter = adapters(layer).get(1);
    Model model = layer.model();
    Site site = OneLayer.site(model);
    List<Tensor> folded = banked(layer).stream().map(spec -> merged(layer, spec, adapter)).toList();
    Tensor weight = site.weight().constant().orElseThrow();
    Tensor bias = model.graph().value("b").constant().orElseThrow();
    MergeableMethod.Layer at =
        new MergeableMethod.Layer(
            site.path(), site.node(), new LayerWeights(weight, Optional.of(bias)));
    LayerWeights merged = mergeable.merge(at, folded, Arena.ofAuto());
    Graph graph = model.graph();
    graph.replaceUses(graph.value("w"), graph.addConstant(merged.weight().named("merged")));
    Tensor other = merged.bias().orElseThrow().named("other");
    graph.replaceUses(graph.value("b"), graph.addConstant(other));
    graph.removeUnused(graph.value("w"));
    graph.removeUnused(graph.value("b"));
    assertThat(run(model, layer.shape(BATCH), x, Map.of()))
        .containsExactly(train(layer, BATCH, x, adapter), within(TOLERANCE));
  }

  @ParameterizedTest
  @EnumSource
  void whatIsDroppedIsZeroForTheAdapterAlone(OneLayer layer) {
    Assumptions.assumeTrue(method().canDrop(), "what is dropped is made up for by scaling");
    Map<String, Tensor> adapter = adapters(layer).get(1);
    float[] x = numbers(BATCH * layer.tokens() * OneLayer.IN);
    byte[] mask = new byte[BATCH * OneLayer.SEQUENCE * OneLayer.IN];
    float[] left = x.clone();
    for (int i = 0; i < mask.length; i++) {
      mask[i] = (byte) random.nextInt(2);
      if (i < left.length) {
        left[i] *= mask[i];
      }
    }
    float[] expected = base(layer, BATCH, x);
    float[] adapted = train(layer, BATCH, left, adapter);
    float[] bare = base(layer, BATCH, left);
    for (int i = 0; i < expected.length; i++) {
      expected[i] += COMPENSATION * (adapted[i] - bare[i]);
    }
    Model model = layer.model();
    Value scaling = model.graph().addInput("scaling", TensorType.of(DType.FLOAT, Dim.of(1)));
    List<Site> sites = List.of(OneLayer.site(model));
    boolean told = method().tellsCompensation();
    Dropout dropout = Dropout.at(sites, model.graph(), told);
    new InsertAdapters(model.graph(), method()).forTraining(sites, scaling, dropout);
    Map<String, Tensor> feeds = new HashMap<>(adapter);
    feeds.put("scaling", Tensor.ofFloats("scaling", Shape.of(1), SCALING * COMPENSATION));
    if (told) {
      Tensor factor = Tensor.ofFloats("factor", Shape.SCALAR, COMPENSATION);
      feeds.put(Dropout.COMPENSATION, factor);
    }
    Shape shape = Shape.of(BATCH, OneLayer.SEQUENCE, OneLayer.IN);
    feeds.put(
        "block.dense.lora_dropout",
        new Tensor("mask", DType.BOOL, shape, MemorySegment.ofArray(mask)));
    assertThat(run(model, layer.shape(BATCH), x, feeds))
        .containsExactly(expected, within(TOLERANCE));
  }

  @ParameterizedTest
  @EnumSource
  void aRemovedAdapterLeavesTheBase(OneLayer layer) {
    Model model = layer.model();
    Value scaling = model.graph().addInput("scaling", TensorType.of(DType.FLOAT));
    List<Value> parameters =
        new InsertAdapters(model.graph(), method())
            .forTraining(List.of(OneLayer.site(model)), scaling);
    RemoveAdapters remove = new RemoveAdapters(model.graph(), method().name());
    Node node = remove.layer("block.dense", method().pointAt("block.dense"));
    assertThat(node.name()).isEqualTo("/block/dense/MatMul");
    remove.at("block.dense", parameters);
    model.graph().removeUnused(scaling);
    assertThat(GraphText.print(model)).isEqualTo(GraphText.print(layer.model()));
  }

  @ParameterizedTest
  @EnumSource
  void anAdapterChangesTheOutput(OneLayer layer) {
    float[] x = numbers(BATCH * layer.tokens() * OneLayer.IN);
    assertThat(train(layer, BATCH, x, adapters(layer).get(1))).isNotEqualTo(base(layer, BATCH, x));
  }

  @ParameterizedTest
  @EnumSource
  void parametersAreNamedAfterTheSite(OneLayer layer) {
    assertThat(method().parameters(OneLayer.site(layer.model())))
        .isNotEmpty()
        .allSatisfy(
            spec -> {
              assertThat(spec.name()).startsWith("block.dense.");
              assertThat(spec.peftKey()).startsWith("block.dense.");
            });
  }

  private List<ParameterSpec> parameters(OneLayer layer) {
    Site site = OneLayer.site(layer.model());
    List<ParameterSpec> all = new ArrayList<>(method().parameters(site));
    all.addAll(method().shared(List.of(site)));
    return all;
  }

  private List<ParameterSpec> banked(OneLayer layer) {
    return parameters(layer).stream().filter(ParameterSpec::isBanked).toList();
  }

  /** The bare base in slot 0, and random adapters. */
  private List<Map<String, Tensor>> adapters(OneLayer layer) {
    List<Map<String, Tensor>> adapters = new ArrayList<>();
    for (int slot = 0; slot < SLOTS; slot++) {
      Map<String, Tensor> adapter = new HashMap<>();
      for (ParameterSpec spec : parameters(layer)) {
        Shape shape = spec.shape(RANK, 1);
        int elements = Math.toIntExact(shape.elements());
        Tensor random = Tensor.ofFloats(spec.name(), shape, numbers(elements));
        Tensor bare = values(layer).neutral(spec, Sizes.of(RANK, 1));
        adapter.put(spec.name(), slot == 0 || !spec.isBanked() ? bare : random);
      }
      adapters.add(adapter);
    }
    return adapters;
  }

  /** What parameters start from that is computed of the layer's weight. */
  private BaseValues values(OneLayer layer) {
    Map<String, Tensor> values = new HashMap<>();
    for (ParameterSpec spec : parameters(layer)) {
      if (spec.startsFromBase()) {
        values.put(spec.name(), BaseNorms.ofColumns(layer.weight()).named(spec.name()));
      } else if (spec.init() == Initializer.FACTOR_OF_BASE) {
        LayerFactors.Wanted wanted =
            new LayerFactors.Wanted(spec.method().orElseThrow(), RANK, SCALING);
        LayerFactors factors = LayerFactors.of(wanted, layer.weight());
        boolean first = spec.dims().getLast().equals(ParameterSpec.RANK);
        values.put(spec.name(), (first ? factors.a() : factors.b()).named(spec.name()));
      }
    }
    return new BaseValues(values);
  }

  private float[] numbers(int count) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    return numbers;
  }

  private float[] base(OneLayer layer, int rows, float[] x) {
    return run(layer.model(), layer.shape(rows), x, Map.of());
  }

  private float[] train(OneLayer layer, int rows, float[] x, Map<String, Tensor> adapter) {
    Model model = layer.model();
    Value scaling = model.graph().addInput("scaling", TensorType.of(DType.FLOAT));
    new InsertAdapters(model.graph(), method()).forTraining(List.of(OneLayer.site(model)), scaling);
    Map<String, Tensor> feeds = new HashMap<>(adapter);
    feeds.put("scaling", Tensor.ofFloats("scaling", Shape.SCALAR, SCALING));
    return run(model, layer.shape(rows), x, feeds);
  }

  private float[] serve(
      OneLayer layer, int rows, float[] x, List<Map<String, Tensor>> adapters, long... slots) {
    Model model = layer.model();
    Value ids = model.graph().addInput("ids", TensorType.of(DType.INT64, Dim.of("batch")));
    new InsertAdapters(model.graph(), method()).forServing(List.of(OneLayer.site(model)), ids);
    Map<String, Tensor> feeds = new HashMap<>();
    feeds.put("ids", Tensor.ofLongs("ids", Shape.of(slots.length), slots));
    for (ParameterSpec spec : parameters(layer)) {
      if (spec.isBanked()) {
        String bank = spec.bankName();
        feeds.put(bank, bank(layer, spec, adapters).named(bank));
        if (spec.isShared()) {
          long[] sets = LongStream.range(0, adapters.size()).toArray();
          feeds.put(spec.setName(), Tensor.ofLongs("sets", Shape.of(sets.length), sets));
        }
      }
    }
    return run(model, layer.shape(rows), x, feeds);
  }

  private Tensor merged(OneLayer layer, ParameterSpec spec, Map<String, Tensor> adapter) {
    return ofWeight(spec, folded(layer, adapter), layer.weight())
        .orElseGet(() -> folded(spec, adapter));
  }

  private Map<String, Tensor> folded(OneLayer layer, Map<String, Tensor> adapter) {
    Map<String, Tensor> folded = new HashMap<>();
    parameters(layer).forEach(spec -> folded.put(spec.name(), folded(spec, adapter)));
    return folded;
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

  /** What a bank holds of several adapters: of what is one at the start the distance from it. */
  private Tensor bank(OneLayer layer, ParameterSpec spec, List<Map<String, Tensor>> adapters) {
    Shape each = spec.shape(RANK, 1);
    List<Long> dims = new ArrayList<>(List.of((long) adapters.size()));
    dims.addAll(each.dims());
    int elements = Math.toIntExact(each.elements());
    float[] values = new float[adapters.size() * elements];
    for (int slot = 0; slot < adapters.size(); slot++) {
      Map<String, Tensor> adapter = adapters.get(slot);
      Tensor banked =
          ofWeight(spec, folded(layer, adapter), layer.weight())
              .orElseGet(() -> values(layer).banked(spec, folded(spec, adapter)));
      System.arraycopy(banked.floats(), 0, values, slot * elements, elements);
    }
    return Tensor.ofFloats("bank", new Shape(dims), values);
  }

  private float[] run(Model model, Shape shape, float[] x, Map<String, Tensor> more) {
    Map<String, Tensor> feeds = new HashMap<>(more);
    feeds.put("x", Tensor.ofFloats("x", shape, x));
    Path file = folder.resolve("model-" + random.nextLong(Long.MAX_VALUE) + ".onnx");
    return GraphRun.of(model, file, feeds).values().iterator().next();
  }
}
