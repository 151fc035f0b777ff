package dev.banyan.runtime.training;

import dev.banyan.artifacts.checkpoint.Checkpoint;
import java.util.List;
import java.util.Optional;

/**
 * All that a run needs to go on as if it had never stopped. There is no state of random numbers:
 * they are made from seed, epoch and step.
 *
 * @param identity the run
 * @param position how far it has come
 * @param checkpoint parameters, moments and the optimizer's step
 * @param kept its result so far; empty before the first
 * @param losses loss of each step done
 */
record RunState(
    RunIdentity identity,
    Position position,
    Checkpoint checkpoint,
    Optional<Kept> kept,
    List<Float> losses) {}
