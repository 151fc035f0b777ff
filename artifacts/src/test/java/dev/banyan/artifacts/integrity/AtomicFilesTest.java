package dev.banyan.artifacts.integrity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
  @TempDir Path folder;

  @Test
  void aFileIsWrittenWithTheFoldersAboveIt() throws Exception {
    Path file = folder.resolve("a/b/file");
    AtomicFiles.write(file, new byte[] {1, 2});
    assertThat(Files.readAllBytes(file)).containsExactly(1, 2);
  }

  @Test
  void aFailureHalfwayLeavesTheOldFileAndNothingElse() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "old");
    assertThatExceptionOfType(UncheckedIOException.class)
        .isThrownBy(
            () ->
                AtomicFiles.write(
                    file,
                    channel -> {
                      channel.write(ByteBuffer.allocate(100));
                      throw new IOException("disk full");
                    }))
        .withMessageContaining(file.toString())
        .havingCause()
        .withMessage("disk full");
    assertThat(file).hasContent("old");
    assertThat(children()).containsExactly(file);
  }

  @Test
  void anyOtherFailureHalfwayLeavesNothingEither() throws Exception {
    assertThatExceptionOfType(IllegalStateException.class)
        .isThrownBy(
            () ->
                AtomicFiles.write(
                    folder.resolve("file"),
                    channel -> {
                      throw new IllegalStateException("bug");
                    }));
    assertThat(children()).isEmpty();
  }

  @Test
  void aFolderTakesThePlaceOfAFullOne() throws Exception {
    Path target = Files.createDirectory(folder.resolve("target"));
    Files.writeString(target.resolve("old"), "old");
    Path staged = AtomicFiles.stageDirectory(target);
    Files.writeString(staged.resolve("new"), "new");
    AtomicFiles.replaceDirectory(target, staged);
    assertThat(target.resolve("new")).hasContent("new");
    assertThat(target.resolve("old")).doesNotExist();
    assertThat(children()).containsExactly(target);
  }

  @Test
  void aFolderThatCannotBePlacedLeavesTheOldOne() throws Exception {
    Path target = Files.createDirectory(folder.resolve("target"));
    Files.writeString(target.resolve("old"), "old");
    assertThatExceptionOfType(UncheckedIOException.class)
        .isThrownBy(() -> AtomicFiles.replaceDirectory(target, folder.resolve("missing")));
    assertThat(target.resolve("old")).hasContent("old");
  }

  @Test
  void removingATreeDoesNotFollowLinks() throws Exception {
    Path outside = Files.writeString(folder.resolve("outside"), "kept");
    Path tree = Files.createDirectory(folder.resolve("tree"));
    Files.createSymbolicLink(tree.resolve("link"), outside);
    AtomicFiles.deleteTree(tree);
    assertThat(tree).doesNotExist();
    assertThat(outside).hasContent("kept");
  }

  private Stream<Path> children() throws IOException {
    try (Stream<Path> children = Files.list(folder)) {
      return children.toList().stream();
    }
  }
}
