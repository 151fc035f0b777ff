package dev.banyan.artifacts.integrity;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * A folder of work files. It is removed when the work ends, also when the user interrupts the
 * program; what is being put in place at that moment is finished first.
 */
public final class WorkFolder implements AutoCloseable {
  private static final int ATTEMPTS = 5;

  private final Path path;
  private final Thread hook = new Thread(this::atExit, "banyan-remove-work-files");
  private volatile Runnable beforeRemoval = () -> {};
  private boolean removed;

  private WorkFolder(Path path) {
    this.path = path;
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /**
   * An empty folder among the system's temporary files. Folders with this prefix that a killed
   * process left there are removed.
   *
   * @throws UncheckedIOException if the disk fails
   */
  public static WorkFolder temporary(String prefix) {
    try {
      AbandonedFiles.removeTemporary(prefix);
      String own = prefix + ProcessHandle.current().pid() + "-";
      return new WorkFolder(Files.createTempDirectory(own));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot make a folder for work files", e);
    }
  }

  /**
   * An empty hidden folder beside {@code target}, to be handed to {@link
   * AtomicFiles#replaceDirectory}.
   *
   * @throws UncheckedIOException if the disk fails
   */
  public static WorkFolder beside(Path target) {
    return new WorkFolder(AtomicFiles.stageDirectory(target));
  }

  /** The folder. */
  public Path path() {
    return path;
  }

  /**
   * Does something that must not be cut short: an interruption waits for it. When the process is
   * already ending, this does not return.
   */
  public synchronized <T> T whole(Supplier<T> work) {
    while (removed) {
      try {
        wait();
      } catch (InterruptedException e) {
        // The process is ending; nothing is left to be told.
      }
    }
    return work.get();
  }

  /**
   * Says what is to be done first when the user interrupts the program: it runs on a thread of its
   * own, while the work goes on, and the folder stays until it returns.
   */
  public void beforeRemovalAtExit(Runnable task) {
    beforeRemoval = task;
  }

  private void atExit() {
    beforeRemoval.run();
    removeFromUnderWork();
  }

  private synchronized void remove() {
    removed = true;
    AtomicFiles.deleteTree(path);
  }

  /** The work goes on until the process is gone: a file may appear while its folder is removed. */
  private void removeFromUnderWork() {
    for (int attempt = 1; attempt < ATTEMPTS; attempt++) {
      try {
        remove();
        return;
      } catch (UncheckedIOException e) {
        // Something appeared; what is left is removed in the next round.
      }
    }
    remove();
  }

  /** Removes the folder and all that is in it; a second call has no effect. */
  @Override
  public void close() {
    remove();
    try {
      boolean _ = Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The machine is going down and has run the hook, or is about to.
    }
  }
}
