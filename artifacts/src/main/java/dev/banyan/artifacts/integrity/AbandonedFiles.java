package dev.banyan.artifacts.integrity;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a process that was killed left of {@link AtomicFiles} and {@link WorkFolder}: hidden
 * siblings and temporary folders. Their names have the number of their process, and they are
 * touched only when no such process is left.
 */
public final class AbandonedFiles {
  private static final String OLD = "old";

  private AbandonedFiles() {}

  /** The name beside a target for something that is new or old, of this process alone. */
  static String stagedName(Path target, String kind) {
    return ".%s.%s-%d-%x"
        .formatted(target.getFileName(), kind, ProcessHandle.current().pid(), System.nanoTime());
  }

  /**
   * Removes what killed processes left beside this target. If one died while it replaced a folder,
   * and the target is missing, the old folder is put back.
   *
   * @throws UncheckedIOException if the disk fails
   */
  public static void recover(Path target) {
    Path absolute = target.toAbsolutePath();
    Path parent = absolute.getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      return;
    }
    String name = Pattern.quote("." + absolute.getFileName());
    Pattern pattern = Pattern.compile(name + "\\.(new|old)-(\\d+)-[0-9a-f]+");
    for (Path left : children(parent)) {
      Matcher match = pattern.matcher(String.valueOf(left.getFileName()));
      if (match.matches() && (isGone(match.group(2)) || isOwn(match.group(2)))) {
        if (match.group(1).equals(OLD) && !Files.exists(absolute)) {
          putBack(left, absolute);
        } else {
          AtomicFiles.deleteTree(left);
        }
      }
    }
  }

  private static void putBack(Path old, Path target) {
    try {
      Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot put back " + target, e);
    }
  }

  /** Removes temporary folders {@code <prefix><process>-..} whose process is gone. */
  static void removeTemporary(String prefix) {
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    Pattern pattern = Pattern.compile(Pattern.quote(prefix) + "(\\d+)-\\d+");
    for (Path left : children(temporary)) {
      Matcher match = pattern.matcher(String.valueOf(left.getFileName()));
      if (match.matches() && isGone(match.group(1))) {
        try {
          AtomicFiles.deleteTree(left);
        } catch (UncheckedIOException e) {
          // Another user's, or another process was quicker: no reason to fail.
        }
      }
    }
  }

  /** In a container every process has the same number, and no process works on a target twice. */
  private static boolean isOwn(String process) {
    return process.equals(Long.toString(ProcessHandle.current().pid()));
  }

  private static boolean isGone(String process) {
    try {
      return ProcessHandle.of(Long.parseLong(process)).isEmpty();
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private static List<Path> children(Path folder) {
    try (Stream<Path> children = Files.list(folder)) {
      return children.toList();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot list " + folder, e);
    }
  }
}
