package dev.banyan.server.compare;

/** A method could not be compared. */
public final class ComparisonFailure extends RuntimeException {
  private static final long serialVersionUID = 1;

  ComparisonFailure(String message) {
    super(message);
  }
}
