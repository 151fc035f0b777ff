package dev.banyan.server.adapter;

import dev.banyan.server.problem.ServerProblem;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The folder of adapters, {@code <root>/<tenant>/<name>/adapter_config.json}. */
public final class AdapterFolder {
  private static final String CONFIG = "adapter_config.json";

  private final Path root;

  /**
   * Opens the folder.
   *
   * @throws UncheckedIOException if it does not exist
   */
  public AdapterFolder(Path root) {
    try {
      this.root = root.toRealPath();
    } catch (IOException e) {
      throw new UncheckedIOException(
          "The adapters folder %s does not exist. Create it or name another.".formatted(root), e);
    }
  }

  /** Every adapter in the folder, by name. */
  public SortedMap<AdapterName, Path> scan() {
    SortedMap<AdapterName, Path> found = new TreeMap<>();
    for (Path tenant : subfolders(root)) {
      for (Path adapter : subfolders(tenant)) {
        if (Files.exists(adapter.resolve(CONFIG))) {
          AdapterName name =
              new AdapterName(tenant.getFileName().toString(), adapter.getFileName().toString());
          found.put(name, adapter);
        }
      }
    }
    return found;
  }

  private static List<Path> subfolders(Path folder) {
    List<Path> result = new ArrayList<>();
    try (Stream<Path> children = Files.list(folder)) {
      children
          .filter(Files::isDirectory)
          .filter(child -> AdapterName.isPart(child.getFileName().toString()))
          .forEach(result::add);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot list " + folder, e);
    }
    return result;
  }

  /** Where the adapter lies if nothing else is said: {@code tenant/name}. */
  public Path find(AdapterName name) {
    return find(name.toString());
  }

  /**
   * The adapter directory at a path relative to the root.
   *
   * @throws ServerProblem.BadRequest if the path leads out of the root, by {@code ..}, from the
   *     top, or through a link
   * @throws ServerProblem.UnknownModel if there is no adapter
   */
  public Path find(String relative) {
    Path path = inside(relative);
    if (!Files.exists(path.resolve(CONFIG))) {
      throw new ServerProblem.UnknownModel(
          "There is no adapter at '%s': expected %s in that directory of the adapters folder."
              .formatted(relative, CONFIG));
    }
    try {
      Path real = path.toRealPath();
      if (!real.startsWith(root) || !path.resolve(CONFIG).toRealPath().startsWith(root)) {
        throw outside(relative);
      }
      return real;
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read the adapter directory " + relative, e);
    }
  }

  private Path inside(String relative) {
    try {
      Path path = Path.of(relative);
      Path resolved = root.resolve(path).normalize();
      if (path.isAbsolute() || !resolved.startsWith(root) || resolved.equals(root)) {
        throw outside(relative);
      }
      return resolved;
    } catch (InvalidPathException e) {
      throw new ServerProblem.BadRequest("'%s' is no path.".formatted(relative));
    }
  }

  private static ServerProblem.BadRequest outside(String relative) {
    return new ServerProblem.BadRequest(
        "'%s' leads out of the adapters folder: expected a directory inside it."
            .formatted(relative));
  }
}
