package dev.banyan.runtime.training;

import java.util.List;

/**
 * One update of the parameters.
 *
 * @param number from 1
 * @param epoch from 1
 * @param rate step size
 */
record Step(int number, int epoch, double rate) {
  /**
   * Adds up the gradients of some batches, each by its share of the examples, and updates.
   *
   * @throws TrainingFailure.Diverged if a loss is not finite; the parameters are then unchanged
   */
  TrainingEvent.Stepped run(
      TrainingEngine engine, EncodedData data, Feeder feeder, List<List<Integer>> batches) {
    long begin = System.nanoTime();
    int examples = batches.stream().mapToInt(List::size).sum();
    double mean = 0;
    int tokens = 0;
    for (List<Integer> batch : batches) {
      double share = (double) batch.size() / examples;
      try (Feeder.Feeds feeds = feeder.feeds(data, batch)) {
        float loss = engine.accumulate(feeds.byName(), share);
        if (!Float.isFinite(loss)) {
          throw new TrainingFailure.Diverged(number, loss, rate);
        }
        mean += share * loss;
        tokens += feeds.batch().tokens();
      }
    }
    engine.update(rate);
    return new TrainingEvent.Stepped(
        number, epoch, (float) mean, rate, tokens, System.nanoTime() - begin);
  }
}
