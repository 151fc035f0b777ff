package dev.banyan.graph.export;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleFile;
import dev.banyan.artifacts.integrity.WorkFolder;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.GraphFailure.NotMergeable;
import dev.banyan.graph.MergeReport.Answers;
import dev.banyan.graph.export.EvalInputs.Axes;
import dev.banyan.graph.export.EvalInputs.Memory;
import dev.banyan.graph.training.DecoderBase;
import dev.banyan.graph.training.LogProbability;
import dev.banyan.runtime.data.Vocabulary;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SplittableRandom;

/**
 * Holds a merged decoder against base and adapter, on random texts: by the logarithms of the
 * probabilities that each gives to every token behind those before it, without a past.
 */
final class DecoderMergeCheck {
  /** Of the largest logarithm; the model as it was given may compute by fused operators. */
  private static final double TOLERANCE = 1e-4;

  private static final String LOGITS = "logits";
  private static final String PREDICTION = "log_probabilities";
  private static final int LENGTH = 12;
  private static final int ROWS = 3;

  private final Bundle bundle;
  private final EvalInputs inputs;
  private final long[] ids;

  DecoderMergeCheck(Bundle bundle, AdapterWeights weights) {
    this.bundle = bundle;
    this.inputs = new EvalInputs(bundle, weights);
    int length = Math.min(LENGTH, bundle.manifest().text().maxLength());
    this.ids =
        new SplittableRandom(42)
            .longs((long) ROWS * length, vocabulary() / 2, vocabulary())
            .toArray();
  }

  /**
   * Holds a model against base and adapter that is to answer as they do.
   *
   * @throws NotMergeable if a difference is above 1e-4, with the numbers
   */
  Answers exact(Path merged) {
    return new Answers(
        new AnswerPair(merged(merged), expected(false)).difference(PREDICTION, TOLERANCE),
        OptionalDouble.empty());
  }

  /**
   * Holds a model whose weights are stored in few bits against base and adapter. No difference is
   * too large; to be judged by it stands beside that of the base without its adapter.
   *
   * @throws NotMergeable if an answer is not finite
   */
  Answers rounded(Path merged) {
    float[] expected = expected(false);
    return new Answers(
        new AnswerPair(merged(merged), expected).difference(PREDICTION, Double.MAX_VALUE),
        OptionalDouble.of(
            new AnswerPair(expected(true), expected).difference(PREDICTION, Double.MAX_VALUE)));
  }

  /** A token that the model reads and gives a score to. */
  private long vocabulary() {
    return Vocabulary.rows(OnnxFile.read(evalModel()))
        .orElseThrow(
            () ->
                new NotMergeable(
                    "The number of tokens that the model in %s reads is not known, so a merged model cannot be held against it; export it with its table of embeddings as a constant"
                        .formatted(bundle.dir())));
  }

  private Path evalModel() {
    return bundle.file(Bundle.EVAL_MODEL);
  }

  private int length() {
    return ids.length / ROWS;
  }

  private InferenceSession open(Path model) {
    BundleFile weights = bundle.manifest().files().get(Bundle.BASE_DATA);
    long bytes = weights == null ? 0 : weights.bytes();
    return InferenceSession.open(model, SessionSettings.defaults().sparing(bytes));
  }

  private float[] expected(boolean bare) {
    try (InferenceSession session = open(evalModel())) {
      return run(session, PREDICTION, bare);
    }
  }

  private float[] merged(Path model) {
    try (WorkFolder folder = WorkFolder.temporary("banyan-check-");
        InferenceSession session = open(DecoderBase.withoutPast(model, folder.path()))) {
      return ofTexts(run(session, LOGITS, false));
    }
  }

  private float[] run(InferenceSession session, String output, boolean bare) {
    try (Arena arena = Arena.ofConfined();
        TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = new HashMap<>();
      for (TensorPort port : session.inputs()) {
        feeds.put(port.name(), feed(port, new Memory(scope, arena), bare));
      }
      try (OutputTensors out = session.run(feeds, List.of(output))) {
        return out.floats(output);
      }
    }
  }

  private NativeTensor feed(TensorPort port, Memory memory, boolean bare) {
    long[] values =
        switch (port.name()) {
          case "input_ids", "labels" -> ids;
          case "attention_mask", "segment_ids" -> filled(1);
          case "position_ids" -> counted();
          default -> new long[0];
        };
    return values.length == 0
        ? inputs.of(port, new Axes(ROWS, length()), memory, bare)
        : memory.scope().longs(values, ROWS, length());
  }

  private long[] filled(long value) {
    long[] values = new long[ids.length];
    Arrays.fill(values, value);
    return values;
  }

  private long[] counted() {
    long[] positions = new long[ids.length];
    Arrays.setAll(positions, i -> i % length());
    return positions;
  }

  /**
   * Logarithms of the probabilities of each text's tokens but the first.
   *
   * @param logits {@code [rows, length, vocabulary]}
   */
  private float[] ofTexts(float[] logits) {
    int vocabulary = logits.length / ids.length;
    if (Arrays.stream(ids).anyMatch(id -> id >= vocabulary)) {
      throw new NotMergeable(
          "The model in %s reads more tokens than the %d that it scores, so a merged model cannot be held against it"
              .formatted(bundle.dir(), vocabulary));
    }
    float[] all = new float[ROWS * (length() - 1)];
    int at = 0;
    for (int place = 0; place < ids.length; place++) {
      if (place % length() > 0) {
        all[at++] = (float) LogProbability.of(logits, place - 1, vocabulary, ids[place]);
      }
    }
    return all;
  }
}
