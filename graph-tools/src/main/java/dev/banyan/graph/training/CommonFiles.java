package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleWriter;
import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Projection;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.TokenRows;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.checkpoint.CheckpointFile;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.runtime.base.BaseLayers;
import dev.banyan.runtime.base.BaseNorms;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;

/**
 * The files that every bundle has beside the graphs of its model.
 *
 * @param writer where they go
 * @param request says what the bundle is for
 * @param base where weights of the base start; what is computed of its layers is added here
 */
record CommonFiles(BundleWriter writer, PrepareRequest request, BaseValues base) {
  /** The bundle's own checkpoint is for programs that load the four artifacts as they are. */
  private static final int DEFAULT_RANK = 8;

  private static final long DEFAULT_SEED = 42;

  /** Writes them. */
  void write(int opset, List<ParameterSpec> parameters) {
    OnnxFile.write(writer.path(Bundle.OPTIMIZER_MODEL), OptimizerGraph.of(opset));
    Sizes sizes = Sizes.of(DEFAULT_RANK, request.task().exampleLabels());
    CheckpointFile.write(
        writer.path(Bundle.CHECKPOINT), Checkpoint.fresh(start(parameters, sizes)));
    copyTokenizer();
  }

  /** Parameters of these sizes that change nothing, where their methods promise that. */
  List<Tensor> start(List<ParameterSpec> parameters, Sizes sizes) {
    BaseValues values = base.with(norms(parameters));
    Projection projection = Projection.of(settings(), parameters);
    return new ParameterInitializer(DEFAULT_SEED, values, TokenRows.none(), projection)
        .tensors(plain(parameters), sizes);
  }

  private Map<String, String> settings() {
    return request.methods().stream()
        .filter(choice -> choice.method().name() == MethodName.VERA)
        .map(MethodChoice::settings)
        .findFirst()
        .orElse(Map.of());
  }

  /** What a run takes out of the base's weights at its own rank starts as in plain LoRA here. */
  private static List<ParameterSpec> plain(List<ParameterSpec> parameters) {
    return parameters.stream()
        .map(
            spec -> {
              boolean first = spec.isTrained() && spec.dims().getLast().equals(ParameterSpec.RANK);
              return spec.init() == Initializer.FACTOR_OF_BASE
                  ? spec.starting(first ? Initializer.KAIMING_UNIFORM : Initializer.ZEROS)
                  : spec;
            })
        .toList();
  }

  private Map<String, Tensor> norms(List<ParameterSpec> parameters) {
    if (parameters.stream().noneMatch(spec -> spec.init() == Initializer.BASE_NORM)) {
      return Map.of();
    }
    try (BaseLayers layers = BaseLayers.open(writer.path(Bundle.LAYERS_MODEL))) {
      return BaseNorms.of(parameters, layers);
    }
  }

  private void copyTokenizer() {
    try {
      Files.copy(request.tokenizer(), writer.path(Bundle.TOKENIZER));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot copy " + request.tokenizer(), e);
    }
  }
}
