package dev.banyan.runtime.training;

import dev.banyan.runtime.data.BatchOrder;
import dev.banyan.runtime.data.BatchSize;
import dev.banyan.runtime.data.EncodedData;
import dev.banyan.runtime.data.ShuffledBatches;
import dev.banyan.runtime.data.Targets;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.report.Score;
import dev.banyan.runtime.tally.Tally;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** Judges the parameters of an engine by held-out examples. */
final class Evaluation {
  private final EncodedData data;
  private final Feeder feeder;
  private final Supplier<Tally> tallies;
  private final String prediction;
  private final List<List<Integer>> batches;

  /**
   * @param tallies a fresh one for each judgement
   * @param prediction the eval graph's output that is judged
   */
  Evaluation(
      EncodedData data, Feeder feeder, Supplier<Tally> tallies, String prediction, BatchSize size) {
    this.data = data;
    this.feeder = feeder;
    this.tallies = tallies;
    this.prediction = prediction;
    this.batches = new ShuffledBatches(0, size, BatchOrder.BY_LENGTH).byLength(data.lengths());
  }

  /** The score of the parameters as they are now. */
  Score score(TrainingEngine engine) {
    Tally tally = tallies.get();
    for (List<Integer> picked : batches) {
      try (Feeder.Feeds feeds = feeder.feeds(data, picked);
          OutputTensors outputs = engine.evaluate(feeds.byName())) {
        tally.add(picked, answers(outputs.floats(prediction), feeds.batch().rows()));
      }
    }
    return tally.score();
  }

  /** Tokens to be learned are not as many in each row: they are one answer together. */
  private List<float[]> answers(float[] values, int rows) {
    int count = data.targets() instanceof Targets.NextTokens ? 1 : rows;
    int each = values.length / count;
    return IntStream.range(0, count)
        .mapToObj(row -> Arrays.copyOfRange(values, row * each, (row + 1) * each))
        .toList();
  }
}
