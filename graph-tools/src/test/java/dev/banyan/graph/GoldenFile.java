package dev.banyan.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Text that is reviewed like code: {@code src/test/resources/golden/<name>.onnxtxt}. {@code ./mvnw
 * verify -Dgolden.update} renews it; the difference is then read.
 */
public final class GoldenFile {
  private GoldenFile() {}

  /** Asserts that the text is what the file holds. */
  public static void assertSame(String name, String actual) throws IOException {
    Path file =
        Path.of(System.getProperty("basedir", "."), "src/test/resources/golden", name + ".onnxtxt");
    if (System.getProperty("golden.update") != null) {
      Files.createDirectories(file.resolveSibling(""));
      Files.writeString(file, actual);
    }
    assertThat(file).as("Missing: run with -Dgolden.update").exists();
    assertThat(actual).isEqualTo(Files.readString(file));
  }
}
