package dev.banyan.benchmarks;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * What it costs to answer every row of a batch by another adapter: 32 rows of 64 tokens on 32
 * adapters, against the original model on the same tokens in the same settings.
 *
 * <p>The original model gives the vectors of the tokens, which nobody reads here. Everything that
 * Banyan does beyond it counts against Banyan: pooling, the heads, and the copies to Java.
 */
final class MixedBatch {
  private static final int ROWS = 32;
  private static final int TOKENS = 64;
  private static final int WARM_UPS = 3;
  private static final int RANK = 8;
  private static final int LABELS = 4;
  private static final SessionSettings SETTINGS = SessionSettings.defaults();

  private final MiniLm miniLm;
  private final int rounds;
  private final List<Encoding> texts = texts();
  private final Map<String, Samples.Timed> variants = new LinkedHashMap<>();
  private final List<AutoCloseable> open = new ArrayList<>();

  MixedBatch(MiniLm miniLm, int rounds) {
    this.miniLm = miniLm;
    this.rounds = rounds;
  }

  /** The times of all variants, in Markdown. */
  String measure() throws Exception {
    try {
      addVariants();
      return table(times());
    } finally {
      for (AutoCloseable resource : open) {
        resource.close();
      }
    }
  }

  private void addVariants() {
    addBase();
    Bundle queryValue = miniLm.bundle("query,value");
    BaseModel small = serving(queryValue, new ServingPlan(ROWS, RANK, 8, SETTINGS));
    addServing("32 adapters on query, value", small, IntStream.rangeClosed(1, ROWS).toArray());
    addServing(
        "the same in room for 64 adapters of rank 16 with 64 labels",
        serving(queryValue, new ServingPlan(64, 16, 64, SETTINGS)),
        IntStream.rangeClosed(1, ROWS).toArray());
    addServing(
        "32 adapters on all linear layers",
        serving(miniLm.bundle("all-linear"), new ServingPlan(ROWS, RANK, 8, SETTINGS)),
        IntStream.rangeClosed(1, ROWS).toArray());
    int[] one = new int[ROWS];
    Arrays.fill(one, 1);
    addServing("1 adapter for all rows on query, value", small, one);
  }

  private void addBase() {
    InferenceSession session = InferenceSession.open(miniLm.model(), SETTINGS);
    open.add(session);
    List<String> outputs = session.outputs().stream().map(TensorPort::name).limit(1).toList();
    List<String> inputs = session.inputs().stream().map(TensorPort::name).toList();
    variants.put("original model", () -> runBase(session, inputs, outputs));
  }

  private void runBase(InferenceSession session, List<String> inputs, List<String> outputs) {
    try (TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = new LinkedHashMap<>();
      inputs.forEach(input -> feeds.put(input, scope.longs(values(input), ROWS, TOKENS)));
      try (OutputTensors out = session.run(feeds, outputs)) {
        if (out.shape(outputs.getFirst()).dim(0) != ROWS) {
          throw new IllegalStateException("The original model answered another batch");
        }
      }
    }
  }

  private long[] values(String input) {
    return switch (input) {
      case "input_ids" -> texts.stream().flatMapToLong(text -> LongStream.of(text.ids())).toArray();
      case "attention_mask" -> LongStream.generate(() -> 1).limit(ROWS * TOKENS).toArray();
      case "token_type_ids" -> new long[ROWS * TOKENS];
      default -> throw new IllegalStateException("The model has an input '" + input + "'");
    };
  }

  private BaseModel serving(Bundle bundle, ServingPlan plan) {
    BaseModel model = BaseModel.open(bundle, plan);
    open.add(model);
    for (int slot = 1; slot <= ROWS; slot++) {
      RandomAdapter adapter = new RandomAdapter(RANK, LABELS, slot);
      model.bank().write(slot, AdapterWeights.fit(adapter.of(bundle.manifest()), bundle, plan));
    }
    return model;
  }

  private void addServing(String name, BaseModel model, int[] slots) {
    List<Row> rows =
        IntStream.range(0, ROWS).mapToObj(row -> new Row(texts.get(row), slots[row])).toList();
    variants.put(
        name,
        () -> {
          if (model.run(rows).logits(ROWS - 1, LABELS).length != LABELS) {
            throw new IllegalStateException("The bundle answered another batch");
          }
        });
  }

  /** Every round runs each variant once, and the next round starts with another one. */
  private Map<String, Samples> times() {
    Map<String, Samples> samples = new LinkedHashMap<>();
    for (String name : variants.keySet()) {
      samples.put(name, new Samples());
    }
    List<Map.Entry<String, Samples.Timed>> order = new ArrayList<>(variants.entrySet());
    for (int round = -WARM_UPS; round < rounds; round++) {
      for (var variant : order) {
        if (round < 0) {
          variant.getValue().run();
        } else {
          samples.getOrDefault(variant.getKey(), new Samples()).time(variant.getValue());
        }
      }
      Collections.rotate(order, 1);
    }
    return samples;
  }

  private static String table(Map<String, Samples> samples) {
    Samples base = samples.values().iterator().next();
    Table table =
        new Table(
            "32 rows x 64 tokens",
            "median ms",
            "quartiles ms",
            "best ms",
            "median of the original's",
            "same by round, quartiles");
    samples.forEach(
        (name, times) ->
            table.row(
                name,
                "%.1f".formatted(times.median()),
                times.quartiles(),
                "%.1f".formatted(times.best()),
                "%.3f".formatted(times.median() / base.median()),
                times.over(base).quartiles()));
    return table.toString();
  }

  private static List<Encoding> texts() {
    Random random = new Random(42);
    return IntStream.range(0, ROWS)
        .mapToObj(_ -> random.longs(TOKENS, 1000, 30000).toArray())
        .map(ids -> new Encoding(ids, new long[TOKENS]))
        .toList();
  }
}
