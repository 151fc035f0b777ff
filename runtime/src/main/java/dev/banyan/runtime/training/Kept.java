package dev.banyan.runtime.training;

import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.report.Score;
import java.util.List;
import java.util.Optional;

/**
 * The adapter that a run holds to be its result so far.
 *
 * @param digest its identity
 * @param score how well it answers the held-out examples; empty if there are none
 * @param epoch when it was made, from 1
 * @param step when it was made: number of updates
 * @param stale evaluations since then, none of which was better
 * @param parameters what it was made of
 */
record Kept(
    Digest digest, Optional<Score> score, int epoch, int step, int stale, List<Tensor> parameters) {
  /** The same after one more evaluation that was not better. */
  Kept staler() {
    return new Kept(digest, score, epoch, step, stale + 1, parameters);
  }
}
