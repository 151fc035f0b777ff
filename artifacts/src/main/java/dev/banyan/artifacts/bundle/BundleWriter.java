package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.integrity.AbandonedFiles;
import dev.banyan.artifacts.integrity.AtomicFiles;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.integrity.WorkFolder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Makes a bundle as a whole: the files are written into a hidden folder beside the target, which
 * {@link #commit} describes, flushes and renames. Closing without a commit leaves nothing behind,
 * and neither does an interruption.
 */
public final class BundleWriter implements AutoCloseable {
  private final Path target;
  private final WorkFolder staged;

  /**
   * Starts a bundle.
   *
   * @throws UnusableArtifact if something is there that is neither a bundle nor an empty folder
   * @throws UncheckedIOException if the disk fails
   */
  public BundleWriter(Path target) {
    AbandonedFiles.recover(target);
    if (Files.exists(target) && !Bundle.isBundle(target) && !isEmptyFolder(target)) {
      throw new UnusableArtifact(
          target.toString(),
          "exists and is not a bundle, so it is not replaced",
          "remove it or choose another folder");
    }
    this.target = target;
    this.staged = WorkFolder.beside(target);
  }

  private static boolean isEmptyFolder(Path path) {
    if (!Files.isDirectory(path)) {
      return false;
    }
    try (Stream<Path> children = Files.list(path)) {
      return children.findAny().isEmpty();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot list " + path, e);
    }
  }

  /** Where to write the file of this name. */
  public Path path(String name) {
    return staged.path().resolve(name);
  }

  /**
   * Describes the files that were written and puts the bundle in its place.
   *
   * @param manifest the description; its list of files is made here
   * @throws IllegalStateException if a file is missing or a folder was made
   * @throws UncheckedIOException if the disk fails; an older bundle is then still there
   */
  public Bundle commit(BundleManifest manifest) {
    Map<String, BundleFile> files = new TreeMap<>();
    try (Stream<Path> children = Files.list(staged.path())) {
      for (Path file : children.toList()) {
        if (!Files.isRegularFile(file)) {
          throw new IllegalStateException("A bundle holds files only, not " + file);
        }
        files.put(
            String.valueOf(file.getFileName()), new BundleFile(Digest.of(file), Files.size(file)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read what was written for " + target, e);
    }
    for (String name : Bundle.FILES) {
      if (!files.containsKey(name)) {
        throw new IllegalStateException("The file " + name + " was not written");
      }
    }
    AtomicFiles.write(staged.path().resolve(Bundle.MANIFEST), manifest.withFiles(files).toJson());
    return staged.whole(
        () -> {
          AtomicFiles.replaceDirectory(target, staged.path());
          return Bundle.open(target);
        });
  }

  /** Removes what was not committed. */
  @Override
  public void close() {
    staged.close();
  }
}
