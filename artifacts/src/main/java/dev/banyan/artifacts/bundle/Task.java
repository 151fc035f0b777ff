package dev.banyan.artifacts.bundle;

import java.util.Arrays;
import java.util.Optional;

/** What a bundle's adapters learn to do. */
public enum Task {
  /** One label for each text, from a linear head over the pooled embedding. */
  TEXT_CLASSIFICATION("text-classification"),
  /** A better embedding for each text, from pairs that belong together. */
  EMBEDDING("embedding");

  private final String text;

  Task(String text) {
    this.text = text;
  }

  /** The name used on the command line and in files. */
  public String text() {
    return text;
  }

  /** The task of this name; empty if there is none. */
  public static Optional<Task> of(String text) {
    return Arrays.stream(values()).filter(task -> task.text.equals(text)).findFirst();
  }

  static Task parse(String text) {
    return of(text).orElseThrow(() -> new IllegalArgumentException("'" + text + "' is not a task"));
  }
}
