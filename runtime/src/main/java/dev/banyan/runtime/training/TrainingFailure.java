package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.runtime.RuntimeFailure;
import java.nio.file.Path;
import java.util.List;

/** A run that cannot go on. */
public abstract sealed class TrainingFailure extends RuntimeFailure {
  private static final long serialVersionUID = 1;

  private TrainingFailure(String message) {
    super(message, null);
  }

  /** Loss or gradients are no longer numbers. */
  public static final class Diverged extends TrainingFailure {
    private static final long serialVersionUID = 1;

    Diverged(String seen, Step step, String examples) {
      super(
          "The %s at step %d (learning rate %.3g; %s); try a smaller --learning-rate or a --clip"
              .formatted(seen, step.number(), step.rate(), examples));
    }
  }

  /** There is no state from which to go on. */
  public static final class NothingToResume extends TrainingFailure {
    private static final long serialVersionUID = 1;

    NothingToResume(Path state) {
      super(
          "There is no state of a run in %s: it has ended, or was interrupted before its first save; start it without --resume"
              .formatted(state));
    }
  }

  /** The state is that of another run. */
  public static final class OtherRun extends TrainingFailure {
    private static final long serialVersionUID = 1;

    OtherRun(Path state, List<String> differences) {
      super(
          "The state in %s is that of another run: %s; repeat the run's own command with --resume, or start without"
              .formatted(state, String.join(", ", differences)));
    }
  }

  /** What was trained would change nothing, or is not a number. */
  public static final class UselessAdapter extends TrainingFailure {
    private static final long serialVersionUID = 1;

    UselessAdapter(String parameter, String problem) {
      super(
          "After training, '%s' %s; the adapter is not written. Check the data, the learning rate and the number of steps"
              .formatted(parameter, problem));
    }
  }

  /** The bundle's loss has neither label smoothing nor class weights. */
  public static final class NoSuchLoss extends TrainingFailure {
    private static final long serialVersionUID = 1;

    NoSuchLoss(Task task) {
      super(
          "The bundle's training graph for the task %s takes no --label-smoothing and no --class-weights: they are for text-classification and token-classification. If the task is one of these, prepare the bundle again"
              .formatted(task.text()));
    }
  }

  /** The bundle's adapters cannot be trained together. */
  public static final class NoGang extends TrainingFailure {
    private static final long serialVersionUID = 1;

    NoGang(Path bundle, Task task) {
      super(
          task.head() == Task.Head.NONE
              ? "Adapters for the task %s cannot be trained together; train each with --data and --out"
                  .formatted(task.text())
              : "%s has no graph for jobs that are trained together; prepare it again with --gang"
                  .formatted(bundle));
    }
  }

  /** The bundle's graphs lack an input that the plan needs. */
  public static final class NoSuchInput extends TrainingFailure {
    private static final long serialVersionUID = 1;

    NoSuchInput(String problem, String how) {
      super(
          "The bundle's training graph %s; prepare the bundle again %s, or train without"
              .formatted(problem, how));
    }
  }

  /** An adapter's file cannot hold what two of the bundle's methods train. */
  public static final class OneKeyTwice extends TrainingFailure {
    private static final long serialVersionUID = 1;

    OneKeyTwice(String key, String one, String other) {
      super(
          "The bundle's methods %s and %s both keep '%s' in an adapter's file, so it serves adapters of either and trains none; to train, prepare a bundle with one of them"
              .formatted(one, other, key));
    }
  }

  /** The place for the adapter is taken by something else. */
  public static final class OutputTaken extends TrainingFailure {
    private static final long serialVersionUID = 1;

    OutputTaken(Path out) {
      super("%s exists and is not an adapter; name another --out or remove it".formatted(out));
    }
  }
}
