package dev.banyan.runtime.training;

import dev.banyan.runtime.RuntimeFailure;
import java.nio.file.Path;

/** A run that cannot go on. */
public abstract sealed class TrainingFailure extends RuntimeFailure {
  private static final long serialVersionUID = 1;

  private TrainingFailure(String message) {
    super(message, null);
  }

  /** The loss is no longer a number. */
  public static final class Diverged extends TrainingFailure {
    private static final long serialVersionUID = 1;

    Diverged(int step, float loss, double learningRate) {
      super(
          "The loss is %s at step %d (learning rate %.3g); try a smaller --learning-rate or a --clip"
              .formatted(loss, step, learningRate));
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

  /** The place for the adapter is taken by something else. */
  public static final class OutputTaken extends TrainingFailure {
    private static final long serialVersionUID = 1;

    OutputTaken(Path out) {
      super("%s exists and is not an adapter; name another --out or remove it".formatted(out));
    }
  }
}
