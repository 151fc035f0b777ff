package dev.banyan.artifacts.integrity;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file's bytes in memory without a copy, of any size.
 *
 * <p>The mapping ends when the last segment of it is no longer reachable. Replace a mapped file
 * only through {@link AtomicFiles}: the mapping then keeps the old contents.
 */
public final class MappedFile {
  private MappedFile() {}

  /**
   * Reads a whole file into memory of its own, for files that others may rewrite in place: a
   * mapping of such a file would change, or fail, under its readers.
   *
   * @throws UnusableArtifact if there is no such file
   * @throws UncheckedIOException if it cannot be read
   */
  public static MemorySegment copy(Path file) {
    try (Arena whileCopying = Arena.ofConfined()) {
      MemorySegment mapped = map(file, whileCopying);
      return Arena.ofAuto().allocate(mapped.byteSize(), 8).copyFrom(mapped);
    }
  }

  /**
   * Maps a whole file for reading.
   *
   * @throws UnusableArtifact if there is no such file
   * @throws UncheckedIOException if it cannot be read
   */
  public static MemorySegment map(Path file) {
    return map(file, Arena.ofAuto());
  }

  /**
   * Says that a part of a mapping has been read through and is not needed soon, so that a file
   * larger than memory can be gone through: its pages no longer count as this process's. Reading
   * them again is fine. For memory that is no mapping this does nothing.
   *
   * @param part of a file that is mapped for reading
   */
  public static void release(MemorySegment part) {
    if (part.isMapped() && part.isReadOnly()) {
      part.unload();
    }
  }

  /** Maps a whole file for as long as the arena lives. */
  static MemorySegment map(Path file, Arena arena) {
    if (Files.isDirectory(file)) {
      throw new UnusableArtifact(file.toString(), "is a folder", "name a file in it");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
    } catch (NoSuchFileException e) {
      throw new UnusableArtifact(file.toString(), "no such file", "check the path");
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + file, e);
    }
  }
}
