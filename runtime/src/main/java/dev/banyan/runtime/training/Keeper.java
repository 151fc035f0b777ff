package dev.banyan.runtime.training;

import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.runtime.report.Score;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Decides after each epoch what to keep: with held-out examples the best adapter so far, else the
 * latest. What is kept is on disk at once, so that an interrupted run leaves its last result.
 */
final class Keeper {
  private final Optional<Evaluation> evaluation;
  private final Function<TrainingEngine, Digest> save;
  private final int patience;
  private final TrainingListener listener;
  private @Nullable Score best;
  private @Nullable Digest digest;
  private int bestEpoch;
  private int stale;

  /**
   * @param save puts an engine's parameters on disk
   * @param patience evaluations without a better one after which to stop
   */
  Keeper(
      Optional<Evaluation> evaluation,
      Function<TrainingEngine, Digest> save,
      int patience,
      TrainingListener listener) {
    this.evaluation = evaluation;
    this.save = save;
    this.patience = patience;
    this.listener = listener;
  }

  /**
   * Evaluates and saves.
   *
   * @param epoch from 1
   * @return whether it is worth going on
   */
  boolean epochEnded(TrainingEngine engine, int epoch) {
    if (evaluation.isPresent()) {
      Score score = evaluation.get().score(engine);
      boolean better = best == null || score.betterThan(best);
      listener.on(new TrainingEvent.Evaluated(epoch, score, better));
      stale = better ? 0 : stale + 1;
      if (!better) {
        return stale < patience;
      }
      best = score;
    }
    digest = save.apply(engine);
    bestEpoch = epoch;
    listener.on(new TrainingEvent.Saved(epoch, digest));
    return true;
  }

  /** The score of what was kept. */
  Optional<Score> best() {
    return Optional.ofNullable(best);
  }

  /** The epoch of what was kept, from 1. */
  int bestEpoch() {
    return bestEpoch;
  }

  /**
   * The identity of what was kept.
   *
   * @throws IllegalStateException before the first epoch ended
   */
  Digest digest() {
    if (digest == null) {
      throw new IllegalStateException("No epoch has ended yet");
    }
    return digest;
  }
}
