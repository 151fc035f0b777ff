package dev.banyan.graph;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.export.AdapterMerge;
import dev.banyan.graph.quantize.QuantizeModel;
import dev.banyan.graph.training.BundleBuilder;
import dev.banyan.graph.training.DecoderBundle;
import java.nio.file.Path;

/** The entry to this module. */
public final class GraphTools {
  private GraphTools() {}

  /**
   * Looks at a model: its inputs and outputs, and the layers that adapters can go on.
   *
   * @throws GraphFailure if the graph contradicts itself
   * @throws dev.banyan.artifacts.integrity.ArtifactException if the file is no ONNX model
   * @throws dev.banyan.runtime.RuntimeFailure if ONNX Runtime refuses the model
   */
  public static Inspection inspect(Path model) {
    return new ModelInspector(model).inspect();
  }

  /**
   * Makes a bundle of a model.
   *
   * @throws GraphFailure if the model cannot be prepared
   * @throws dev.banyan.artifacts.integrity.ArtifactException if a file cannot be used
   * @throws dev.banyan.runtime.RuntimeFailure if ONNX Runtime refuses the model, or the tokenizer
   *     is of no use with it
   */
  public static PrepareReport prepare(PrepareRequest request) {
    return request.task() == Task.CAUSAL_LM
        ? new DecoderBundle(request).build()
        : new BundleBuilder(request).build();
  }

  /**
   * Merges an adapter into its base: a plain ONNX model for any runtime.
   *
   * @throws GraphFailure if a layer's weight cannot take the adapter, or the merged model answers
   *     otherwise than base and adapter do
   * @throws dev.banyan.artifacts.integrity.ArtifactException if a file cannot be used, or the
   *     adapter is of another base
   */
  public static MergeReport merge(MergeRequest request) {
    return new AdapterMerge(request).run();
  }

  /**
   * Makes a model with weights of few bits of a model of floats.
   *
   * @throws GraphFailure if it has no such weight, or one that cannot be stored
   * @throws dev.banyan.artifacts.integrity.ArtifactException if a file cannot be used
   * @throws dev.banyan.runtime.RuntimeFailure if ONNX Runtime refuses the model
   */
  public static QuantizeReport quantize(QuantizeRequest request) {
    return new QuantizeModel(request).run();
  }
}
