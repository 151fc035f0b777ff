package dev.banyan.graph.autodiff;

/** The gradient that was asked for cannot be built; the message says what the user can do. */
public final class NotDifferentiable extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A failure with this message. */
  public NotDifferentiable(String message) {
    super(message);
  }
}
