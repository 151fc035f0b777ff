package dev.banyan.runtime.ort;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession.SessionOptions;
import dev.banyan.runtime.ort.SessionSettings.Optimization;
import java.nio.file.Path;
import java.util.List;

/** Asks ONNX Runtime what it knows about a model that is being built. */
public final class ModelProbe {
  private ModelProbe() {}

  /**
   * Saves the model as ORT simplifies it: constants folded, dead and identity nodes gone, functions
   * of the standard inlined where ORT does so.
   *
   * @param model the model file, with its external data beside it
   * @param out the file to write; its big tensors go to {@code <out>.data} beside it
   * @throws OrtFailure.ModelRejected if ORT does not load the model
   */
  public static void simplify(Path model, Path out, SimplifySettings settings) {
    var environment = OrtRuntime.environment();
    try (SessionOptions options =
        SessionSettings.defaults().withOptimization(Optimization.BASIC).open()) {
      options.setOptimizedModelFilePath(out.toString());
      options.addConfigEntry(
          "session.optimized_model_external_initializers_file_name", out.getFileName() + ".data");
      options.addConfigEntry(
          "session.optimized_model_external_initializers_min_size_in_bytes",
          Integer.toString(settings.externalBytes()));
      options.addConfigEntry(
          "optimization.disable_specified_optimizers",
          String.join(";", settings.disabledOptimizers().stream().sorted().toList()));
      // The session is opened for what it writes; nothing will run.
      options.addConfigEntry("session.disable_prepacking", "1");
      environment.createSession(model.toString(), options).close();
    } catch (OrtException e) {
      throw new OrtFailure.ModelRejected(model, e);
    }
  }

  /**
   * The types and shapes ORT infers for the outputs of a model. To learn those of every value, name
   * them all as outputs first (a name without a type is enough).
   *
   * <p>A value of unknown rank looks like a scalar here, as ORT's Java API does not tell them
   * apart; values that are no tensors are left out.
   *
   * @throws OrtFailure.ModelRejected if ORT does not load the model
   */
  public static List<TensorPort> outputTypes(Path model) {
    SessionSettings settings = SessionSettings.defaults().withOptimization(Optimization.NONE);
    try (InferenceSession session = InferenceSession.open(model, settings)) {
      return session.outputs();
    }
  }
}
