package dev.banyan.runtime.data;

import dev.banyan.runtime.RuntimeFailure;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Something is wrong with a data set or a tokenizer. */
public abstract sealed class DataFailure extends RuntimeFailure {
  private static final long serialVersionUID = 1;

  private DataFailure(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** The file cannot be read at all. */
  public static final class Unreadable extends DataFailure {
    private static final long serialVersionUID = 1;

    /** Names the file and the reason. */
    public Unreadable(Path file, String reason, @Nullable Throwable cause) {
      super(file + " cannot be read: " + reason, cause);
    }
  }

  /** The file holds no example. */
  public static final class Empty extends DataFailure {
    private static final long serialVersionUID = 1;

    /** Names the file. */
    public Empty(Path file) {
      super(
          file
              + " holds no example; expected JSON lines like {\"text\": \"..\", \"label\": \"..\"}"
              + " or CSV with a header",
          null);
    }
  }

  /** One line of the file is not what it should be. */
  public static final class BadLine extends DataFailure {
    private static final long serialVersionUID = 1;

    /** Names the file, the line (from 1) and what is wrong with it. */
    public BadLine(Path file, long line, String problem) {
      super("%s, line %d: %s".formatted(file, line, problem), null);
    }
  }

  /** The labels of a data set do not fit its use. */
  public static final class BadLabels extends DataFailure {
    private static final long serialVersionUID = 1;

    /** Says what was seen and expected. */
    public BadLabels(String message) {
      super(message, null);
    }
  }

  /** The tokenizer cannot be used, or belongs to another model. */
  public static final class BadTokenizer extends DataFailure {
    private static final long serialVersionUID = 1;

    /** Names the file and what is wrong with it. */
    public BadTokenizer(Path file, String problem, @Nullable Throwable cause) {
      super("%s: %s".formatted(file, problem), cause);
    }
  }

  /** The native library of the tokenizer does not load on this machine. */
  public static final class NoNativeLibrary extends DataFailure {
    private static final long serialVersionUID = 1;

    NoNativeLibrary(String message, Throwable cause) {
      super(message, cause);
    }
  }
}
