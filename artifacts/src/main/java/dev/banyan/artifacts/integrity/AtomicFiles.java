package dev.banyan.artifacts.integrity;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * Writes files and folders so that a reader, also one after a crash, sees the old contents or the
 * new ones and never a part: everything is written beside its place, flushed to the disk and moved
 * there by a rename.
 */
public final class AtomicFiles {
  private AtomicFiles() {}

  /** Writes a file's contents to an open channel. */
  @FunctionalInterface
  public interface Contents {
    /**
     * Writes everything.
     *
     * @throws IOException if the disk fails
     */
    void writeTo(FileChannel channel) throws IOException;
  }

  /**
   * Writes or replaces one file.
   *
   * @throws UncheckedIOException if the disk fails; the old file, if any, is then still there
   */
  public static void write(Path file, byte[] contents) {
    write(file, channel -> writeFully(channel, ByteBuffer.wrap(contents)));
  }

  /**
   * Writes or replaces one file.
   *
   * @throws UncheckedIOException if the disk fails; the old file, if any, is then still there
   */
  public static void write(Path file, Contents contents) {
    Path target = file.toAbsolutePath();
    Path staged = null;
    try {
      Files.createDirectories(parent(target));
      staged = sibling(target, "new");
      try (FileChannel channel =
          FileChannel.open(staged, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        contents.writeTo(channel);
        channel.force(true);
      }
      Files.move(
          staged, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      flushDirectory(parent(target));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + file, e);
    } finally {
      if (staged != null) {
        deleteTree(staged);
      }
    }
  }

  /**
   * Puts a file that was written and flushed into the place of {@code target}, on the same disk.
   *
   * @throws UncheckedIOException if the disk fails; the old file, if any, is then still there
   */
  public static void replaceFile(Path target, Path staged) {
    Path absolute = target.toAbsolutePath();
    try {
      Files.move(
          staged, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      flushDirectory(parent(absolute));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot put a file in place as " + target, e);
    }
  }

  /**
   * Makes an empty folder beside {@code target}, to be filled and handed to {@link
   * #replaceDirectory}.
   *
   * @throws UncheckedIOException if the disk fails
   */
  public static Path stageDirectory(Path target) {
    Path absolute = target.toAbsolutePath();
    try {
      Files.createDirectories(parent(absolute));
      return Files.createDirectory(sibling(absolute, "new"));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot make a folder beside " + target, e);
    }
  }

  /**
   * Puts a filled folder in the place of {@code target}, flushing every file in it first. No file
   * system renames onto a folder that is not empty, so an old folder is moved aside for a moment: a
   * reader in that moment sees no folder, never a mixture, and a failure puts the old one back.
   *
   * @param staged made by {@link #stageDirectory} of the same target; gone afterwards
   * @throws UncheckedIOException if the disk fails; the old folder, if any, is then still there
   */
  public static void replaceDirectory(Path target, Path staged) {
    Path absolute = target.toAbsolutePath();
    try {
      flushTree(staged);
      Path aside = sibling(absolute, "old");
      boolean replacing = Files.exists(absolute);
      if (replacing) {
        Files.move(absolute, aside, StandardCopyOption.ATOMIC_MOVE);
      }
      try {
        Files.move(staged, absolute, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        if (replacing) {
          Files.move(aside, absolute, StandardCopyOption.ATOMIC_MOVE);
        }
        throw e;
      }
      flushDirectory(parent(absolute));
      deleteTree(aside);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot put a folder in place as " + target, e);
    }
  }

  /**
   * Removes a file, or a folder with all that is in it; nothing there is fine.
   *
   * @throws UncheckedIOException if the disk fails
   */
  public static void deleteTree(Path path) {
    if (!Files.exists(path, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try {
      Files.walkFileTree(path, new Delete());
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot remove " + path, e);
    }
  }

  /**
   * Writes all of a buffer, which one call on a channel need not do.
   *
   * @throws IOException if the disk fails
   */
  public static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private static Path parent(Path absolute) throws IOException {
    Path parent = absolute.getParent();
    if (parent == null) {
      throw new IOException("a root folder cannot be replaced: " + absolute);
    }
    return parent;
  }

  private static Path sibling(Path absolute, String kind) {
    return absolute.resolveSibling(AbandonedFiles.stagedName(absolute, kind));
  }

  private static void flushTree(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
              channel.force(true);
            }
            return FileVisitResult.CONTINUE;
          }
        });
    flushDirectory(folder);
  }

  /** Makes a rename durable. Windows has no such call on folders and does not need it. */
  private static void flushDirectory(Path folder) throws IOException {
    if (java.io.File.separatorChar == '/') {
      try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }

  private static final class Delete extends SimpleFileVisitor<Path> {
    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      Files.delete(file);
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure)
        throws IOException {
      if (failure != null) {
        throw failure;
      }
      Files.delete(folder);
      return FileVisitResult.CONTINUE;
    }
  }
}
