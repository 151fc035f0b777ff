package dev.banyan.runtime.training;

import dev.banyan.runtime.data.BatchSize;
import dev.banyan.runtime.data.ShuffledBatches;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.report.Score;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/** Judges the parameters of an engine by held-out examples. */
final class Evaluation {
  private final EncodedData data;
  private final Feeder feeder;
  private final List<List<Integer>> batches;

  Evaluation(EncodedData data, Feeder feeder, BatchSize size) {
    this.data = data;
    this.feeder = feeder;
    this.batches = new ShuffledBatches(0, size).byLength(data.lengths());
  }

  /** The score of the parameters as they are now. */
  Score score(TrainingEngine engine) {
    return data.partners().isEmpty() ? labels(engine) : pairs(engine);
  }

  private Score labels(TrainingEngine engine) {
    List<Integer> predicted = new ArrayList<>(data.texts().size());
    List<Integer> actual = new ArrayList<>(data.texts().size());
    double loss = 0;
    for (List<Integer> picked : batches) {
      try (Feeder.Feeds feeds = feeder.feeds(data, picked);
          OutputTensors outputs = engine.evaluate(feeds.byName())) {
        loss += (double) outputs.scalar("loss") * picked.size();
        float[] logits = outputs.floats("logits");
        int labels = logits.length / picked.size();
        for (int row = 0; row < picked.size(); row++) {
          predicted.add(Score.argmax(logits, row * labels, labels));
          actual.add(Math.toIntExact(data.labels().get(picked.get(row))));
        }
      }
    }
    return Score.ofLabels(predicted, actual, loss / actual.size());
  }

  /** A text is right if no other partner of its batch is nearer than its own. */
  private Score pairs(TrainingEngine engine) {
    int right = 0;
    double loss = 0;
    for (List<Integer> picked : batches) {
      try (Feeder.Feeds feeds = feeder.feeds(data, picked);
          OutputTensors outputs = engine.evaluate(feeds.byName())) {
        loss += (double) outputs.scalar("loss") * picked.size();
        right += Score.retrieved(outputs.floats("embeddings"), picked.size());
      }
    }
    int examples = data.texts().size();
    return new Score((double) right / examples, OptionalDouble.empty(), loss / examples, examples);
  }
}
