package dev.banyan.benchmarks;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.SessionSettings;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * What it costs to answer the rows of a batch by adapters of different methods: 32 rows of 64
 * tokens over 8 methods with 4 adapters each, against a bundle of the same base that has nothing
 * but heads, and each method alone.
 */
final class MixedMethods {
  private static final int ADAPTERS = 4;
  private static final int TOKENS = 64;
  private static final int WARM_UPS = 3;
  private static final int LABELS = 4;
  private static final Sizes SIZES =
      Sizes.usual().with(Size.LABELS, LABELS).with(Size.BOTTLENECK, 16);
  private static final SessionSettings SETTINGS = SessionSettings.defaults();

  private static final String LOKR = "lokr:targets=query,value";

  /** Multiplies by the square of the rank that there is room for, for every row. */
  private static final String LOHA = "loha:targets=query,value";

  /** As {@code --method} takes them. */
  private static final List<String> METHODS =
      List.of(
          "lora:targets=query,value",
          "dora:targets=query,value",
          LOKR,
          "miss:targets=query,value",
          "ia3:targets=key,value",
          "bottleneck",
          "bitfit",
          "prompt");

  private final MiniLm miniLm;
  private final int rounds;

  MixedMethods(MiniLm miniLm, int rounds) {
    this.miniLm = miniLm;
    this.rounds = rounds;
  }

  /** A bundle's model with the rows that it is asked. */
  private record Variant(String name, BaseModel model, List<Row> rows, Samples times) {}

  /** The times of all variants, in Markdown. */
  String measure() {
    List<Variant> variants = new ArrayList<>();
    try {
      variants.add(variant("bare base with heads", List.of("lora:targets=head-only")));
      variants.add(variant(METHODS.size() + " methods x 4 adapters", METHODS));
      variants.add(
          variant(
              "the same with loha for lokr",
              METHODS.stream().map(method -> method.equals(LOKR) ? LOHA : method).toList()));
      variants.add(variant(LOHA + " alone", List.of(LOHA)));
      METHODS.forEach(method -> variants.add(variant(method + " alone", List.of(method))));
      return table(timed(variants));
    } finally {
      variants.forEach(variant -> variant.model().close());
    }
  }

  private Variant variant(String name, List<String> methods) {
    Bundle bundle = miniLm.bundle(methods, "methods-" + name.replaceAll("\\W+", "-"));
    List<MethodInfo> infos = bundle.manifest().adapter().methods();
    int slots = infos.size() * ADAPTERS;
    BaseModel model = BaseModel.open(bundle, new ServingPlan(slots, SIZES, SETTINGS));
    BaseValues base = BaseValues.of(bundle);
    for (int slot = 1; slot <= slots; slot++) {
      MethodName method = infos.get((slot - 1) % infos.size()).name();
      model.bank().write(slot, adapter(bundle, base, method, new Random(slot)));
    }
    int rows = METHODS.size() * ADAPTERS;
    Random random = new Random(42);
    List<Row> asked =
        IntStream.range(0, rows)
            .mapToObj(
                row ->
                    new Row(
                        new Encoding(random.longs(TOKENS, 1000, 30000).toArray(), new long[TOKENS]),
                        1 + row % slots))
            .toList();
    return new Variant(name, model, asked, new Samples());
  }

  /** An adapter of one method, as if it were trained: a little away from what changes nothing. */
  private static AdapterWeights adapter(
      Bundle bundle, BaseValues base, MethodName method, Random random) {
    Map<String, Tensor> tensors = new TreeMap<>();
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      boolean ofWeights = method.kind() == MethodName.Kind.WEIGHTS && spec.isOfBase();
      boolean ofHead = spec.method().isEmpty() && !spec.isOfBase();
      if (spec.isBanked() && (ofWeights || ofHead || spec.method().equals(Optional.of(method)))) {
        Tensor neutral = base.neutral(spec, SIZES);
        float[] values = neutral.floats();
        for (int i = 0; i < values.length; i++) {
          values[i] += (float) (0.02 * random.nextGaussian());
        }
        tensors.put(spec.name(), Tensor.ofFloats(spec.name(), neutral.shape(), values));
        if (spec.init() == Initializer.BASE_NORM) {
          // What DoRA's banks have is computed when a file is loaded, which this is not.
          tensors.put(spec.bankName(), gain(spec, neutral, random));
        }
      }
    }
    Digest digest = Digest.of(method.text().getBytes(StandardCharsets.UTF_8));
    List<String> labels = IntStream.range(0, LABELS).mapToObj(label -> "label " + label).toList();
    return new AdapterWeights(digest, Task.TEXT_CLASSIFICATION, labels, SIZES, tensors);
  }

  private static Tensor gain(ParameterSpec spec, Tensor like, Random random) {
    float[] values = new float[Math.toIntExact(like.shape().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (0.02 * random.nextGaussian());
    }
    return Tensor.ofFloats(spec.bankName(), like.shape(), values);
  }

  /** Every round runs each variant once, and the next round starts with another one. */
  private List<Variant> timed(List<Variant> variants) {
    for (int round = -WARM_UPS; round < rounds; round++) {
      for (int place = 0; place < variants.size(); place++) {
        Variant variant = variants.get((place + round + WARM_UPS) % variants.size());
        if (round < 0) {
          run(variant);
        } else {
          variant.times().time(() -> run(variant));
        }
      }
    }
    return variants;
  }

  private static void run(Variant variant) {
    int last = variant.rows().size() - 1;
    if (variant.model().run(variant.rows()).logits(last, LABELS).length != LABELS) {
      throw new IllegalStateException("The bundle answered another batch");
    }
  }

  private static String table(List<Variant> variants) {
    Samples base = variants.getFirst().times();
    Table table =
        new Table(
            "%d rows x 64 tokens".formatted(METHODS.size() * ADAPTERS),
            "median ms",
            "quartiles ms",
            "median of the bare base's",
            "same by round, quartiles");
    for (Variant variant : variants) {
      table.row(
          variant.name(),
          "%.1f".formatted(variant.times().median()),
          variant.times().quartiles(),
          "%.3f".formatted(variant.times().median() / base.median()),
          variant.times().over(base).quartiles());
    }
    return table.toString();
  }
}
