package dev.banyan.runtime;

import org.jspecify.annotations.Nullable;

/**
 * What went wrong, in one line for the person who can mend it.
 *
 * <p>Each package closes its own family under this type: {@code OrtFailure}, {@code DataFailure},
 * {@code TrainingFailure}. A command prints the message and exits with 1; anything else that is
 * thrown is a defect of Banyan.
 */
public abstract class RuntimeFailure extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** A failure with its one line and, where another exception was the reason, that one. */
  protected RuntimeFailure(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
