package dev.banyan.graph.io;

import dev.banyan.artifacts.integrity.AtomicFiles;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.graph.ir.Model;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A model for a user: one file, or with a data file beside it if it is large. It is written into a
 * work folder, where it can be tried, and put in its place when all is well.
 */
public final class ModelFiles {
  /** A model file must stay below protobuf's 2 GiB; this leaves room for the graph itself. */
  private static final long MOST_INLINE = (2L << 30) - (64L << 20);

  private final Path out;
  private final boolean externalData;

  /**
   * Files for this place.
   *
   * @param externalData true to put the weights into a data file even if they fit into the model
   */
  public ModelFiles(Path out, boolean externalData) {
    this.out = out;
    this.externalData = externalData;
  }

  /**
   * Writes the model, and its data file if it needs one, beside each other into a folder.
   *
   * @throws UnusableArtifact if a data file is needed and there is one at the place
   */
  public List<Path> stage(Model model, Path folder) {
    Path file = folder.resolve(String.valueOf(out.getFileName()));
    long bytes =
        model.graph().constants().stream()
            .mapToLong(value -> value.constant().orElseThrow().data().byteSize())
            .sum();
    if (bytes < MOST_INLINE && !externalData) {
      OnnxWriter.selfContained().write(model, file);
      return List.of(file);
    }
    Path data = file.resolveSibling(file.getFileName() + ".data");
    if (Files.exists(out.resolveSibling(data.getFileName()))) {
      // Two files cannot be replaced at once, and a model must never be seen with other weights.
      throw new UnusableArtifact(
          out.resolveSibling(data.getFileName()).toString(),
          "exists, and the model needs a data file of this name",
          "remove it or choose another --out");
    }
    try (ExternalDataWriter weights = new ExternalDataWriter(data)) {
      new OnnxWriter(weights).write(model, file);
    }
    return List.of(file, data);
  }

  /** Data first: the model is there only when all of it is. */
  public List<Path> putInPlace(List<Path> staged) {
    List<Path> files = new ArrayList<>();
    for (Path file : staged.reversed()) {
      Path target = out.resolveSibling(file.getFileName());
      AtomicFiles.replaceFile(target, file);
      files.addFirst(target);
    }
    return files;
  }
}
