package dev.banyan.artifacts.onnx;

import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.MappedFile;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The data files beside one model, each mapped once. */
final class ExternalFiles {
  private final Path model;
  private final Map<String, MemorySegment> mapped = new ConcurrentHashMap<>();

  ExternalFiles(Path model) {
    this.model = model;
  }

  /** The bytes of the data file of this name. */
  MemorySegment file(String location) {
    return mapped.computeIfAbsent(location, name -> MappedFile.map(resolve(name)));
  }

  /**
   * Refuses every way out of the model's folder: a model is data and may not choose what is read.
   */
  private Path resolve(String location) {
    try {
      Path relative = Path.of(location);
      Path folder = model.toAbsolutePath().normalize().resolveSibling("");
      Path file = folder.resolve(relative).normalize();
      if (location.isEmpty() || relative.isAbsolute() || !file.startsWith(folder)) {
        throw leaves(location);
      }
      if (!Files.isRegularFile(file)) {
        throw new UnusableArtifact(
            model.toString(),
            "its weights are in the file '" + location + "', which is not beside it",
            "copy that file into the model's folder");
      }
      return file;
    } catch (InvalidPathException e) {
      throw leaves(location);
    }
  }

  private CorruptArtifact leaves(String location) {
    return new CorruptArtifact(
        model.toString(),
        "external data at '" + location + "'",
        "a file name inside the model's folder");
  }
}
