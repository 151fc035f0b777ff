package dev.banyan.benchmarks;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

/**
 * all-MiniLM-L6-v2 from the class path, in a folder of its own, and bundles of it.
 *
 * @param dir where files are left
 */
record MiniLm(Path dir) {
  private static final int MAX_LENGTH = 128;

  /** The model as its publisher has it. */
  Path model() {
    return unpack("all-minilm-l6-v2.onnx");
  }

  /** A bundle for text classification with adapters at these sites. */
  Bundle bundle(String targets) {
    return GraphTools.prepare(request(targets, "bundle-" + targets.replace(',', '-'))).bundle();
  }

  /**
   * A bundle for text classification with adapters of several methods.
   *
   * @param methods as {@code --method} takes them
   * @param name of its folder
   */
  Bundle bundle(List<String> methods, String name) {
    List<MethodChoice> choices =
        methods.stream()
            .map(method -> MethodChoice.parse(method, PrepareRequest.SiteChoice.of("")))
            .toList();
    return GraphTools.prepare(request("head-only", name).withMethods(choices)).bundle();
  }

  private PrepareRequest request(String targets, String name) {
    return new PrepareRequest(
        model(),
        unpack("all-minilm-l6-v2-tokenizer.json"),
        Task.TEXT_CLASSIFICATION,
        PrepareRequest.SiteChoice.of(targets),
        Pooling.MEAN,
        OptionalInt.of(MAX_LENGTH),
        dir.resolve(name));
  }

  private Path unpack(String resource) {
    Path file = dir.resolve(resource);
    try (InputStream in = MiniLm.class.getClassLoader().getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(
            resource + " is not on the class path; start through benchmarks/run");
      }
      if (!Files.exists(file)) {
        Files.copy(in, file);
      }
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot unpack " + resource + " to " + file, e);
    }
  }
}
