package dev.banyan.graph;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The errors that parity tests see, left under {@code target/parity} for {@code docs/parity.md}.
 */
public final class ParityErrors {
  private static final Path FOLDER = Path.of("target", "parity");

  private ParityErrors() {}

  /**
   * Euclidean distance of two gradients in units of the expected one's length.
   *
   * @throws AssertionError if they differ in size
   */
  public static double distance(float[] seen, float[] expected) {
    if (seen.length != expected.length) {
      throw new AssertionError("%d elements; expected %d".formatted(seen.length, expected.length));
    }
    double difference = 0;
    double length = 0;
    for (int i = 0; i < seen.length; i++) {
      difference += Math.pow((double) seen[i] - expected[i], 2);
      length += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / length);
  }

  /** Keeps the worst error of one model under one table of rules. */
  public static void keep(String model, String table, double worst) {
    Path file = FOLDER.resolve("%s %s.txt".formatted(model.replace('/', '-'), table));
    try {
      Files.createDirectories(FOLDER);
      Files.writeString(file, "%.1e%n".formatted(worst));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
