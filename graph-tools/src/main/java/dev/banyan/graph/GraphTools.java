package dev.banyan.graph;

import dev.banyan.graph.training.BundleBuilder;

/** The entry to this module. */
public final class GraphTools {
  private GraphTools() {}

  /**
   * Makes a bundle of a model.
   *
   * @throws GraphFailure if the model cannot be prepared
   * @throws dev.banyan.artifacts.integrity.ArtifactException if a file cannot be used
   * @throws dev.banyan.runtime.RuntimeFailure if ONNX Runtime refuses the model, or the tokenizer
   *     is of no use with it
   */
  public static PrepareReport prepare(PrepareRequest request) {
    return new BundleBuilder(request).build();
  }
}
