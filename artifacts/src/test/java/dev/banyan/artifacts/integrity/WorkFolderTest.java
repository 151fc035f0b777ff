package dev.banyan.artifacts.integrity;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class WorkFolderTest {
  @TempDir private Path temp;

  /** Work that is interrupted: it fills a folder beside the one named, and never ends. */
  static final class Interrupted {
    private Interrupted() {}

    public static void main(String[] args) throws IOException {
      WorkFolder folder = WorkFolder.beside(Path.of(args[0]));
      Files.writeString(folder.path().resolve("part"), "half of it");
      System.out.println(folder.path());
      int _ = System.in.read();
    }
  }

  @Test
  void anInterruptedProcessLeavesNothing() throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-cp",
                System.getProperty("java.class.path"),
                Interrupted.class.getName(),
                temp.resolve("out").toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader reader = process.inputReader()) {
      assertThat(Path.of(reader.readLine()).resolve("part")).exists();
      process.destroy();
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(temp).isEmptyDirectory();
  }

  @Test
  void closingRemovesAllThatIsInIt() throws IOException {
    Path path;
    try (WorkFolder folder = WorkFolder.temporary("banyan-test-")) {
      path = folder.path();
      Files.createDirectories(path.resolve("a/b"));
      Files.writeString(path.resolve("a/b/c"), "c");
      assertThat(folder.whole(() -> Files.exists(path.resolve("a/b/c")))).isTrue();
    }
    assertThat(path).doesNotExist();
  }
}
