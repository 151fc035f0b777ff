package dev.banyan.runtime.training;

import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.report.Score;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Decides what to keep: with held-out examples the best adapter so far, else the latest. What is
 * kept is on disk at once, so that an interrupted run leaves its last result.
 */
final class Keeper {
  private final Optional<Evaluation> evaluation;
  private final Function<List<Tensor>, Digest> save;
  private final Evaluations plan;
  private final TrainingListener listener;
  private Optional<Kept> kept = Optional.empty();

  /**
   * @param save puts parameters on disk as an adapter
   */
  Keeper(
      Optional<Evaluation> evaluation,
      Function<List<Tensor>, Digest> save,
      Evaluations plan,
      TrainingListener listener) {
    this.evaluation = evaluation;
    this.save = save;
    this.plan = plan;
    this.listener = listener;
  }

  /** Goes on from what was kept, which is put on disk again: the run may have got further since. */
  void resume(Optional<Kept> earlier) {
    kept = earlier;
    kept.ifPresent(
        best -> {
          Digest _ = save.apply(best.parameters());
        });
  }

  /**
   * Evaluates and saves if it is time to.
   *
   * @param at after a step
   * @param epochEnds whether the step was the last of its epoch
   * @param runEnds whether it was the last of all
   * @return whether it is worth going on
   * @throws TrainingFailure.UselessAdapter if what is to be kept changes nothing
   */
  boolean stepped(Learner learner, Position at, boolean epochEnds, boolean runEnds) {
    if (evaluation.isEmpty()) {
      if (epochEnds || runEnds) {
        keep(learner, at, Optional.empty());
      }
      return true;
    }
    return !plan.due(at.step(), epochEnds, runEnds) || judge(evaluation.get(), learner, at);
  }

  private boolean judge(Evaluation held, Learner learner, Position at) {
    Score score = held.score(learner.engine());
    boolean better = kept.flatMap(Kept::score).map(score::betterThan).orElse(true);
    listener.on(new TrainingEvent.Evaluated(at.step(), at.epoch(), score, better));
    if (better) {
      keep(learner, at, Optional.of(score));
    } else {
      kept = kept.map(Kept::staler);
    }
    return kept.map(Kept::stale).orElse(0) < plan.patience();
  }

  private void keep(Learner learner, Position at, Optional<Score> score) {
    List<Tensor> parameters = learner.engine().parameters();
    learner.requireEffect(parameters);
    Digest digest = save.apply(parameters);
    kept = Optional.of(new Kept(digest, score, at.epoch(), at.step(), 0, parameters));
    listener.on(new TrainingEvent.Saved(at.step(), at.epoch(), digest));
  }

  /** What was kept; empty before the first epoch or evaluation. */
  Optional<Kept> kept() {
    return kept;
  }
}
