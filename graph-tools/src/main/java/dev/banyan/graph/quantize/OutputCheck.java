package dev.banyan.graph.quantize;

import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.graph.QuantizeReport.Answer;
import dev.banyan.graph.QuantizeReport.Answers;
import dev.banyan.runtime.data.Vocabulary;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/** Holds a model against the one that it was made from, on random tokens. */
final class OutputCheck {
  private static final int TEXTS = 4;
  private static final int LENGTH = 16;

  /** Keys and values for the next call: they are inside of the model, not its answer. */
  private static final String PRESENT = "present";

  private static final String PAST = "past";
  private static final String LOGITS = "logits";

  private final List<long[]> texts = new ArrayList<>();
  private final SessionSettings settings;

  /** A check on tokens that the original knows. */
  OutputCheck(OnnxFile original) {
    SplittableRandom random = new SplittableRandom(42);
    long vocabulary = Vocabulary.rows(original).orElse(1);
    for (int i = 0; i < TEXTS; i++) {
      // No special tokens are in the upper half.
      texts.add(random.longs(LENGTH, vocabulary / 2, vocabulary).toArray());
    }
    settings = SessionSettings.defaults().sparing(original.size());
  }

  /** What the answers lost. */
  Answers compare(Path original, Path quantized) {
    // One after the other: both at once would need the memory of both.
    Run before = run(original);
    if (before.skipped().isPresent()) {
      return new Answers(List.of(), before.skipped());
    }
    Run after = run(quantized);
    List<Answer> answers = new ArrayList<>();
    before
        .outputs()
        .forEach(
            (name, values) ->
                answers.add(answer(name, values, after.outputs().getOrDefault(name, List.of()))));
    return new Answers(answers, Optional.empty());
  }

  /**
   * What a model answers.
   *
   * @param outputs of each output an entry for each text
   * @param skipped why there is none
   */
  private record Run(Map<String, List<Rows>> outputs, Optional<String> skipped) {}

  /** Numbers, and how many of them are next to each other on the last axis. */
  private static final class Rows {
    private final float[] values;
    private final int width;

    Rows(float[] values, Shape shape) {
      this.values = values;
      this.width = shape.rank() == 0 ? 1 : Math.toIntExact(shape.dim(-1));
    }
  }

  private Run run(Path model) {
    try (InferenceSession session = InferenceSession.open(model, settings)) {
      Map<String, List<Rows>> outputs = new LinkedHashMap<>();
      session.outputs().stream()
          .filter(port -> port.type() == DType.FLOAT && !port.name().startsWith(PRESENT))
          .forEach(port -> outputs.put(port.name(), new ArrayList<>()));
      if (outputs.isEmpty()) {
        return new Run(outputs, Optional.of("the model has no output of floats"));
      }
      for (long[] text : texts) {
        Optional<String> skipped = run(session, text, outputs);
        if (skipped.isPresent()) {
          return new Run(Map.of(), skipped);
        }
      }
      return new Run(outputs, Optional.empty());
    }
  }

  private static Optional<String> run(
      InferenceSession session, long[] text, Map<String, List<Rows>> outputs) {
    try (TensorScope scope = new TensorScope();
        Arena arena = Arena.ofConfined()) {
      Map<String, NativeTensor> feeds = new HashMap<>();
      for (TensorPort port : session.inputs()) {
        Optional<NativeTensor> feed = feed(port, text, scope, arena);
        if (feed.isEmpty()) {
          return Optional.of("its input '%s' is no text".formatted(port.name()));
        }
        feeds.put(port.name(), feed.get());
      }
      try (OutputTensors out = session.run(feeds, List.copyOf(outputs.keySet()))) {
        outputs.forEach((name, rows) -> rows.add(new Rows(out.floats(name), out.shape(name))));
      }
    }
    return Optional.empty();
  }

  private static Optional<NativeTensor> feed(
      TensorPort port, long[] text, TensorScope scope, Arena arena) {
    if (port.name().startsWith(PAST)) {
      return Optional.of(nothing(port, scope, arena));
    }
    long[] values = new long[text.length];
    switch (port.name()) {
      case "input_ids" -> System.arraycopy(text, 0, values, 0, text.length);
      case "attention_mask" -> Arrays.fill(values, 1);
      case "position_ids" -> Arrays.setAll(values, i -> i);
      case "token_type_ids" -> {}
      default -> {
        return Optional.empty();
      }
    }
    return port.type() == DType.INT64
        ? Optional.of(scope.longs(values, 1, values.length))
        : Optional.empty();
  }

  /** No earlier tokens: the axes without a size are one text, and none of its tokens. */
  private static NativeTensor nothing(TensorPort port, TensorScope scope, Arena arena) {
    List<Long> dims = new ArrayList<>();
    for (int axis = 0; axis < port.dims().size(); axis++) {
      long size = port.dims().get(axis);
      dims.add(size >= 0 ? size : axis == 0 ? 1 : 0);
    }
    Shape shape = new Shape(dims);
    return scope.view(
        arena.allocate(port.type().bytes(shape.elements()), Long.BYTES), port.type(), shape);
  }

  private static Answer answer(String name, List<Rows> expected, List<Rows> seen) {
    double apart = 0;
    double length = 0;
    double largest = 0;
    long same = 0;
    long places = 0;
    for (int text = 0; text < expected.size(); text++) {
      float[] a = expected.get(text).values;
      float[] b = seen.get(text).values;
      for (int i = 0; i < a.length; i++) {
        double difference = Math.abs((double) a[i] - b[i]);
        apart += difference * difference;
        length += (double) a[i] * a[i];
        largest = Math.max(largest, difference);
      }
      int width = expected.get(text).width;
      for (int at = 0; at < a.length; at += width) {
        same += greatest(a, at, width) == greatest(b, at, width) ? 1 : 0;
        places++;
      }
    }
    return new Answer(
        name,
        Math.sqrt(apart / Math.max(length, Double.MIN_NORMAL)),
        largest,
        name.equals(LOGITS) ? Optional.of((double) same / places) : Optional.empty());
  }

  private static int greatest(float[] values, int from, int width) {
    int best = from;
    for (int i = from + 1; i < from + width; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best - from;
  }
}
