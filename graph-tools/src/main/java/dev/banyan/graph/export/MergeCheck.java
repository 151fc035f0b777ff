package dev.banyan.graph.export;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleFile;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.GraphFailure.NotMergeable;
import dev.banyan.graph.MergeReport.Answers;
import dev.banyan.graph.training.RandomBatch;
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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SplittableRandom;

/** Holds a merged model against base and adapter side by side, on random texts. */
final class MergeCheck {
  /**
   * Of the largest element of an answer, or of 1. The merged sum rounds each weight once where the
   * other path rounds each activation; measured differences are near 1e-6.
   */
  private static final double TOLERANCE = 1e-4;

  private static final int BATCHES = 3;

  /** Pairs and triplets of rows are whole. */
  private static final int ROWS = 6;

  private static final int LENGTH = 16;

  private final Bundle bundle;
  private final EvalInputs inputs;

  MergeCheck(Bundle bundle, AdapterWeights weights) {
    this.bundle = bundle;
    this.inputs = new EvalInputs(bundle, weights);
  }

  /**
   * Holds a model against base and adapter that is to answer as they do.
   *
   * @throws NotMergeable if a difference is above 1e-4, with the numbers
   */
  Answers exact(Path merged) {
    List<RandomBatch> batches = batches();
    // One after the other: both at once would need twice the memory of the base.
    List<Map<String, float[]>> seen = answers(merged, batches, false);
    return new Answers(
        furthest(seen, answers(evalModel(), batches, false), TOLERANCE), OptionalDouble.empty());
  }

  /**
   * Holds a model whose weights are stored in few bits against base and adapter. No difference is
   * too large; to be judged by it stands beside that of the base without its adapter.
   *
   * @throws NotMergeable if an answer is not finite
   */
  Answers rounded(Path merged) {
    List<RandomBatch> batches = batches();
    List<Map<String, float[]>> seen = answers(merged, batches, false);
    List<Map<String, float[]>> bare = answers(evalModel(), batches, true);
    List<Map<String, float[]>> expected = answers(evalModel(), batches, false);
    return new Answers(
        furthest(seen, expected, Double.MAX_VALUE),
        OptionalDouble.of(furthest(bare, expected, Double.MAX_VALUE)));
  }

  private Path evalModel() {
    return bundle.file(Bundle.EVAL_MODEL);
  }

  private List<RandomBatch> batches() {
    SplittableRandom random = new SplittableRandom(42);
    long vocabulary = Vocabulary.rows(OnnxFile.read(evalModel())).orElse(1);
    int length = Math.min(LENGTH, bundle.manifest().text().maxLength());
    List<RandomBatch> batches = new ArrayList<>();
    for (int i = 0; i < BATCHES; i++) {
      batches.add(RandomBatch.of(random, vocabulary, ROWS, length));
    }
    return batches;
  }

  private static double furthest(
      List<Map<String, float[]>> seen, List<Map<String, float[]>> expected, double tolerance) {
    double largest = 0;
    for (int i = 0; i < BATCHES; i++) {
      for (var answer : seen.get(i).entrySet()) {
        float[] other = expected.get(i).get(answer.getKey());
        if (other != null) {
          AnswerPair pair = new AnswerPair(answer.getValue(), other);
          largest = Math.max(largest, pair.difference(answer.getKey(), tolerance));
        }
      }
    }
    return largest;
  }

  /**
   * What a model answers.
   *
   * @param bare true for the base without its adapter, but for the head
   */
  private List<Map<String, float[]>> answers(Path model, List<RandomBatch> batches, boolean bare) {
    List<Map<String, float[]>> answers = new ArrayList<>();
    SessionSettings settings = SessionSettings.defaults().sparing(bytesOfBase());
    try (InferenceSession session = InferenceSession.open(model, settings)) {
      List<String> outputs = session.outputs().stream().map(TensorPort::name).toList();
      for (RandomBatch batch : batches) {
        try (Arena arena = Arena.ofConfined();
            TensorScope scope = new TensorScope();
            OutputTensors out =
                session.run(
                    feeds(session, batch, new EvalInputs.Memory(scope, arena), bare), outputs)) {
          Map<String, float[]> answer = new HashMap<>();
          outputs.forEach(name -> answer.put(name, out.floats(name)));
          answers.add(answer);
        }
      }
    }
    return answers;
  }

  private long bytesOfBase() {
    BundleFile weights = bundle.manifest().files().get(Bundle.BASE_DATA);
    return weights == null ? 0 : weights.bytes();
  }

  private Map<String, NativeTensor> feeds(
      InferenceSession session, RandomBatch batch, EvalInputs.Memory memory, boolean bare) {
    Map<String, NativeTensor> feeds = new HashMap<>();
    for (TensorPort port : session.inputs()) {
      boolean text = bundle.manifest().text().inputs().contains(port.name());
      feeds.put(
          port.name(),
          text
              ? batch.feed(memory.scope(), port.name())
              : inputs.of(port, new EvalInputs.Axes(batch.rows(), batch.length()), memory, bare));
    }
    return feeds;
  }
}
