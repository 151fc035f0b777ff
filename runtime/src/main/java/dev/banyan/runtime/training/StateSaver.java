package dev.banyan.runtime.training;

import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.integrity.WorkFolder;
import dev.banyan.artifacts.tensor.Tensor;

/**
 * Saves the state of a run when it is time to: after some steps, at the end of an epoch, and when
 * the user ends the process, which waits for it.
 */
final class StateSaver implements AutoCloseable {
  private final Parts parts;
  private final StateFolder folder;
  private final int every;
  private final StepLog listener;
  private final Interruption interruption = new Interruption();

  /**
   * What a state is made of.
   *
   * @param identity the run
   * @param engine has the parameters and the optimizer's state
   * @param keeper has the run's result so far
   * @param work its removal when the process ends waits for the state
   */
  record Parts(RunIdentity identity, TrainingEngine engine, Keeper keeper, WorkFolder work) {}

  /**
   * Saves from now on.
   *
   * @param every steps after which to save, beside the end of each epoch; 0 for only those
   */
  StateSaver(Parts parts, StateFolder folder, int every, StepLog listener) {
    this.parts = parts;
    this.folder = folder;
    this.every = every;
    this.listener = listener;
    interruption.begin();
    parts.work().beforeRemovalAtExit(interruption::ask);
  }

  /**
   * Saves if it is time to. Does not return if the user ended the process.
   *
   * @param at after a step that is not the last
   * @param total number of steps of the run
   */
  void stepped(Position at, boolean epochEnds, int total) {
    boolean interrupted = interruption.asked();
    if (interrupted || epochEnds || (every > 0 && at.step() % every == 0)) {
      save(at);
    }
    if (interrupted) {
      listener.on(new TrainingEvent.Interrupted(at.step(), total));
      interruption.answer();
    }
  }

  private void save(Position at) {
    Checkpoint checkpoint = parts.engine().checkpoint();
    checkpoint.trainable().forEach(StateSaver::requireFinite);
    folder.save(
        new RunState(parts.identity(), at, checkpoint, parts.keeper().kept(), listener.losses()));
    listener.on(new TrainingEvent.StateSaved(at.step(), folder.path()));
  }

  /** No run could go on from there, while it can from the state that was saved before. */
  private static void requireFinite(Tensor parameter) {
    for (float value : parameter.floats()) {
      if (!Float.isFinite(value)) {
        throw new TrainingFailure.UselessAdapter(parameter.name(), "has the value " + value);
      }
    }
  }

  /** Lets the end of the process wait no longer. */
  @Override
  public void close() {
    interruption.end();
  }
}
