package dev.banyan.runtime.training;

import dev.banyan.artifacts.integrity.AtomicFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * The work files of one run. They are removed when the run ends, also when the user interrupts it;
 * what is being put in place at that moment is finished first.
 */
final class RunFolder implements AutoCloseable {
  private final Path path;
  private final Thread hook = new Thread(this::remove, "banyan-remove-work-files");
  private boolean removed;

  RunFolder() {
    try {
      this.path = Files.createTempDirectory("banyan-train-");
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot make a folder for work files", e);
    }
    Runtime.getRuntime().addShutdownHook(hook);
  }

  Path path() {
    return path;
  }

  /**
   * Does something that must not be cut short: an interruption waits for it. When the process is
   * already ending, this does not return.
   */
  synchronized <T> T whole(Supplier<T> work) {
    while (removed) {
      try {
        wait();
      } catch (InterruptedException e) {
        // The process is ending; nothing is left to be told.
      }
    }
    return work.get();
  }

  private synchronized void remove() {
    removed = true;
    AtomicFiles.deleteTree(path);
  }

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
