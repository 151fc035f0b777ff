package dev.banyan.runtime.training;

import dev.banyan.runtime.data.ShuffledBatches;
import java.util.List;
import java.util.function.IntUnaryOperator;

/** Goes through the epochs: step by step, with all that is due after each. */
final class TrainingLoop {
  private final TrainingPlan plan;
  private final Learner learner;
  private final Keeper keeper;
  private final StateSaver saver;
  private final TrainingListener listener;

  TrainingLoop(TrainingPlan plan, Learner learner, Aftermath after, TrainingListener listener) {
    this.plan = plan;
    this.learner = learner;
    this.keeper = after.keeper();
    this.saver = after.saver();
    this.listener = listener;
  }

  /** What follows a step. */
  record Aftermath(Keeper keeper, StateSaver saver) {}

  /** Trains from here to the end. */
  void run(Position from) {
    Passes passes = plan.passes();
    ShuffledBatches batches = new ShuffledBatches(plan.seed(), passes.batch(), passes.order());
    int[] lengths = learner.data().lengths();
    IntUnaryOperator stepsOfEpoch = epoch -> passes.stepsPerEpoch(batches.count(lengths, epoch));
    int total = passes.steps(stepsOfEpoch);
    listener.on(new TrainingEvent.Started(total, stepsOfEpoch.applyAsInt(0), from.step()));
    Position at = from;
    boolean worthwhile = true;
    while (at.step() < total && worthwhile) {
      List<List<Integer>> order = batches.epoch(lengths, at.epoch() - 1);
      int steps = passes.stepsPerEpoch(order.size());
      while (at.stepOfEpoch() < steps && at.step() < total && worthwhile) {
        int first = at.stepOfEpoch() * passes.accumulation();
        int end = Math.min(order.size(), first + passes.accumulation());
        double rate = plan.learningRate().at(at.step(), total);
        Step step = new Step(at.step() + 1, at.epoch(), rate);
        listener.on(learner.learn(step, order.subList(first, end)));
        at = at.afterStep();
        worthwhile = settle(at, at.stepOfEpoch() == steps, total);
      }
      at = at.nextEpoch();
    }
  }

  /** What is due after a step; false if the run is to end. */
  private boolean settle(Position at, boolean epochEnds, int total) {
    boolean runEnds = at.step() == total;
    boolean worthwhile = keeper.stepped(learner, at, epochEnds, runEnds);
    if (runEnds) {
      return false;
    }
    if (!worthwhile) {
      listener.on(new TrainingEvent.StoppedEarly(at.step(), at.epoch()));
      return false;
    }
    saver.stepped(at, epochEnds, total);
    return true;
  }
}
