package dev.banyan.server.quickstart;

/** The quickstart cannot go on, or did not show what it promises. */
public final class QuickstartFailure extends RuntimeException {
  private static final long serialVersionUID = 1;

  QuickstartFailure(String message) {
    super(message);
  }
}
