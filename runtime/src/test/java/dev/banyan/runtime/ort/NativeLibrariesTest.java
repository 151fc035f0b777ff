package dev.banyan.runtime.ort;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibrariesTest {
  @TempDir Path cache;

  @Test
  void unsupportedPlatformIsOneClearLine() {
    assertThatThrownBy(() -> NativeLibraries.of("SunOS", "sparcv9"))
        .isInstanceOf(OrtFailure.NoNativeLibrary.class)
        .hasMessage(
            "There is no ONNX Runtime with training for SunOS sparcv9; supported are Linux x86_64 and"
                + " arm64, macOS arm64 and Windows x86_64");
  }

  @Test
  void platformWhoseJarWasNotBuiltInIsNamed() {
    assertThatThrownBy(() -> NativeLibraries.of("Windows 11", "amd64"))
        .hasMessageContaining("windows-x86_64 is not on the class path");
  }

  @Test
  void secondStartReusesWhatTheFirstUnpacked() throws IOException {
    Path folder = NativeLibraries.ofThisMachine().unpack(cache);
    List<FileTime> first = times(folder);

    assertThat(NativeLibraries.ofThisMachine().unpack(cache)).isEqualTo(folder);
    assertThat(times(folder)).isEqualTo(first).hasSizeGreaterThanOrEqualTo(2);
    assertThat(cache).isDirectoryNotContaining("glob:**unpack-*");
  }

  @Test
  void folderThatLostALibraryIsFilledAgain() throws IOException {
    Path folder = NativeLibraries.ofThisMachine().unpack(cache);
    Path library;
    try (var files = Files.list(folder)) {
      library = files.sorted().findFirst().orElseThrow();
    }
    long size = Files.size(library);
    Files.write(library, new byte[] {1});

    NativeLibraries.ofThisMachine().unpack(cache);

    assertThat(library).hasSize(size);
  }

  @Test
  void cacheThatCannotBeWrittenSaysWhatToDo() throws IOException {
    Path file = Files.createFile(cache.resolve("not-a-folder"));
    assertThatThrownBy(() -> NativeLibraries.ofThisMachine().unpack(file))
        .isInstanceOf(OrtFailure.NoNativeLibrary.class)
        .hasMessageContaining("set XDG_CACHE_HOME to a writable folder");
  }

  private static List<FileTime> times(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files
          .sorted()
          .map(
              file -> {
                try {
                  return Files.getLastModifiedTime(file);
                } catch (IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              })
          .toList();
    }
  }
}
