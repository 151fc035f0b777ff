package dev.banyan.runtime.training;

import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.data.EncodedData;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * Teaches an engine the examples of a data set.
 *
 * @param engine computes
 * @param source the data set, for messages about its lines
 * @param data the same as token ids
 * @param feeder makes batches of them
 */
record Learner(TrainingEngine engine, Dataset source, EncodedData data, Feeder feeder) {
  /** A batch's lines beyond this number would only fill the screen. */
  private static final int MOST_LINES = 16;

  /** Examples that are asked whether the adapter has an effect. */
  private static final int PROBE = 4;

  /**
   * Adds up the gradients of some batches, each by its share of what counts, and updates.
   *
   * @throws TrainingFailure.Diverged if a loss or the gradients are not finite; the parameters are
   *     then unchanged
   */
  TrainingEvent.Stepped learn(Step step, List<List<Integer>> batches) {
    long begin = System.nanoTime();
    long counted = batches.stream().mapToLong(data.targets()::counted).sum();
    double mean = 0;
    int tokens = 0;
    for (int i = 0; i < batches.size(); i++) {
      List<Integer> batch = batches.get(i);
      double share =
          counted == 0 ? 1.0 / batches.size() : (double) data.targets().counted(batch) / counted;
      try (Feeder.Feeds feeds =
          feeder.feeds(data, batch, new LoraDropout.Place(step.number(), i))) {
        float loss = engine.accumulate(feeds.byName(), share);
        if (!Float.isFinite(loss)) {
          throw new TrainingFailure.Diverged("loss is " + loss, step, lines(List.of(batch)));
        }
        mean += share * loss;
        tokens += feeds.batch().tokens();
      }
    }
    OptionalDouble norm = engine.gradientNorm();
    if (norm.isPresent() && !Double.isFinite(norm.getAsDouble())) {
      if (!engine.mayOverflow()) {
        throw new TrainingFailure.Diverged(
            "norm of the gradients is " + norm.getAsDouble(), step, lines(batches));
      }
      norm = OptionalDouble.empty();
    }
    engine.update(step.rate());
    long nanos = System.nanoTime() - begin;
    return new TrainingEvent.Stepped(
        step.number(), step.epoch(), (float) mean, step.rate(), norm, tokens, nanos);
  }

  /**
   * The gradients of a batch by parameter, at the parameters as they are, with nothing dropped.
   *
   * @throws TrainingFailure.Diverged if loss or gradients are not finite
   */
  Map<String, float[]> gradients(List<Integer> batch) {
    Step before = new Step(0, 1, 0);
    while (true) {
      try (Feeder.Feeds feeds = feeder.fullFeeds(data, batch)) {
        float loss = engine.accumulate(feeds.byName(), 1);
        if (!Float.isFinite(loss)) {
          throw new TrainingFailure.Diverged("loss is " + loss, before, lines(List.of(batch)));
        }
      }
      double norm = engine.gradientNorm().orElse(0);
      if (Double.isFinite(norm)) {
        return engine.takeGradients();
      }
      if (!engine.mayOverflow()) {
        throw new TrainingFailure.Diverged(
            "norm of the gradients is " + norm, before, lines(List.of(batch)));
      }
      // Only the loss's scale becomes smaller.
      engine.update(0);
    }
  }

  /**
   * Checks that the adapter has learned something that shows: the same examples, once with what it
   * adds and once without, must not be answered by the very same numbers.
   *
   * @throws TrainingFailure.UselessAdapter if they are
   */
  void requireEffect(List<Tensor> parameters) {
    if (!feeder.sites().switchable()) {
      return;
    }
    List<Integer> probe = IntStream.range(0, Math.min(PROBE, source.size())).boxed().toList();
    if (Arrays.equals(predict(feeder, probe), predict(feeder.withoutAdapter(), probe))) {
      throw new TrainingFailure.UselessAdapter("adapter", "changes no answer of the model");
    }
  }

  private float[] predict(Feeder from, List<Integer> picked) {
    try (Feeder.Feeds feeds = from.fullFeeds(data, picked)) {
      return engine.predict(feeds.byName());
    }
  }

  /** Where the examples stand in their file. */
  private String lines(List<List<Integer>> batches) {
    List<String> numbers =
        batches.stream()
            .flatMap(List::stream)
            .map(example -> source.rows().get(example).line())
            .sorted()
            .map(String::valueOf)
            .toList();
    String shown = String.join(", ", numbers.subList(0, Math.min(MOST_LINES, numbers.size())));
    int more = numbers.size() - MOST_LINES;
    return "%s, lines %s%s"
        .formatted(source.file(), shown, more > 0 ? " and " + more + " more" : "");
  }
}
