package dev.banyan.runtime.inference;

import dev.banyan.runtime.RuntimeFailure;
import dev.banyan.runtime.data.TextTokenizer;
import dev.banyan.runtime.ort.OrtRuntime;

/**
 * Loads the native libraries beside whatever a program does first, such as reading files: they take
 * a third of the time to a first answer.
 */
public final class WarmUp {
  private WarmUp() {}

  /** Starts loading and returns at once. A failure is told by the first that needs the library. */
  public static void begin() {
    Thread _ = Thread.ofPlatform().daemon().name("banyan-warm-up").start(WarmUp::load);
  }

  private static void load() {
    try {
      TextTokenizer.load();
      OrtRuntime.start();
    } catch (RuntimeFailure e) {
      // Whoever opens a tokenizer or a session meets the same failure, with someone to hear it.
    }
  }
}
