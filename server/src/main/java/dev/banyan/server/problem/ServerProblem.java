package dev.banyan.server.problem;

/**
 * A request that cannot be answered as asked. The message is for the client: what was seen, what
 * was expected, who can mend it.
 */
public abstract sealed class ServerProblem extends RuntimeException {
  private final String detail;

  private ServerProblem(String detail) {
    super(detail);
    this.detail = detail;
  }

  private ServerProblem(String detail, Throwable cause) {
    super(detail, cause);
    this.detail = detail;
  }

  /** The message; never null. */
  public String detail() {
    return detail;
  }

  /** The request itself is wrong. */
  public static final class BadRequest extends ServerProblem {
    /** With what is wrong. */
    public BadRequest(String message) {
      super(message);
    }
  }

  /** No adapter of that name is known; the base never answers in its place. */
  public static final class UnknownModel extends ServerProblem {
    /** With the name and where it was looked for. */
    public UnknownModel(String message) {
      super(message);
    }
  }

  /** The adapter is known but could not be loaded. */
  public static final class BrokenAdapter extends ServerProblem {
    /** With why it could not be loaded. */
    public BrokenAdapter(String message) {
      super(message);
    }
  }

  /** The adapter that was to be loaded is damaged or does not fit this server. */
  public static final class RejectedAdapter extends ServerProblem {
    /** With what does not fit. */
    public RejectedAdapter(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** Adapters with requests in flight have every slot, or all of something else that is needed. */
  public static final class NoFreeSlot extends ServerProblem {
    /** With what is short. */
    public NoFreeSlot(String message) {
      super(message);
    }
  }

  /** More rows wait than may wait. */
  public static final class Overloaded extends ServerProblem {
    private final long retryAfterSeconds;

    /** With the limit that was reached and when to try again. */
    public Overloaded(String message, long retryAfterSeconds) {
      super(message);
      this.retryAfterSeconds = retryAfterSeconds;
    }

    /** When the rows that wait now should be done. */
    public long retryAfterSeconds() {
      return retryAfterSeconds;
    }
  }

  /** The server finishes what it has and takes nothing more. */
  public static final class ShuttingDown extends ServerProblem {
    /** No detail is needed. */
    public ShuttingDown() {
      super("The server is shutting down. Send the request to another instance.");
    }
  }
}
