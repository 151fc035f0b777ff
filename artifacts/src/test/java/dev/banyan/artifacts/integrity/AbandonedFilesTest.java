package dev.banyan.artifacts.integrity;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AbandonedFilesTest {
  @TempDir Path folder;

  @Test
  void whatAKilledProcessLeftIsRemoved() throws IOException {
    Path target = Files.createDirectory(folder.resolve("a+b"));
    Files.createDirectories(folder.resolve(".a+b.new-" + gone() + "-1f/deep"));
    Files.writeString(folder.resolve(".a+b.old-" + gone() + "-2f"), "old");
    AbandonedFiles.recover(target);
    assertThat(names()).containsExactly("a+b");
  }

  @Test
  void oldFolderComesBackWhereTheNewOneHadNotCome() throws IOException {
    Path target = folder.resolve("target");
    Path old = Files.createDirectory(folder.resolve(".target.old-" + gone() + "-1"));
    Files.writeString(old.resolve("file"), "old");
    Files.createDirectory(folder.resolve(".target.new-" + gone() + "-2"));
    AbandonedFiles.recover(target);
    assertThat(names()).containsExactly("target");
    assertThat(target.resolve("file")).hasContent("old");
  }

  @Test
  void filesOfLivingProcessesAndOfOtherTargetsStay() throws IOException {
    long living = ProcessHandle.current().parent().orElseThrow().pid();
    List<String> kept =
        List.of(
            ".other.new-" + gone() + "-1",
            ".target.new-" + living + "-1",
            ".target.news-" + gone() + "-1",
            "target.new-" + gone() + "-1");
    for (String name : kept) {
      Files.createDirectory(folder.resolve(name));
    }
    AbandonedFiles.recover(folder.resolve("target"));
    assertThat(names()).containsExactlyInAnyOrderElementsOf(kept);
  }

  @Test
  void nothingIsDoneWhereThereIsNoFolder() {
    AbandonedFiles.recover(folder.resolve("missing/target"));
    assertThat(folder).isEmptyDirectory();
  }

  /** The number of a process that has ended. */
  private static long gone() throws IOException {
    Process process = new ProcessBuilder(java(), "--version").start();
    try {
      assertThat(process.waitFor()).isZero();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return process.pid();
  }

  private static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  private List<String> names() throws IOException {
    try (var files = Files.list(folder)) {
      return files.map(file -> String.valueOf(file.getFileName())).toList();
    }
  }
}
