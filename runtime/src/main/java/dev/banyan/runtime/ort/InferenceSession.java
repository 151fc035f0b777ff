package dev.banyan.runtime.ort;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * A loaded graph that turns inputs into outputs. Weights with external data are mapped from their
 * file, so that sessions over one file share its memory until a kernel repacks them.
 */
public final class InferenceSession implements AutoCloseable {
  private final Path model;
  private final OrtSession session;
  private final List<TensorPort> inputs;
  private final List<TensorPort> outputs;
  private boolean closed;

  private InferenceSession(Path model, OrtSession session) throws OrtException {
    this.model = model;
    this.session = session;
    this.inputs = TensorPort.of(session.getInputInfo());
    this.outputs = TensorPort.of(session.getOutputInfo());
  }

  /**
   * Loads a model file, and the external data beside it.
   *
   * @throws OrtFailure if the natives, the device or the model cannot be used
   */
  public static InferenceSession open(Path model, SessionSettings settings) {
    var environment = OrtRuntime.environment();
    try (SessionOptions options = settings.open()) {
      return new InferenceSession(model, environment.createSession(model.toString(), options));
    } catch (OrtException e) {
      throw new OrtFailure.ModelRejected(model, e);
    }
  }

  /** The inputs in the model's order. */
  public List<TensorPort> inputs() {
    return inputs;
  }

  /** The outputs in the model's order. */
  public List<TensorPort> outputs() {
    return outputs;
  }

  /**
   * Runs the graph as far as these outputs need it. May be called by several threads at once.
   *
   * @param feeds one tensor for each input the outputs depend on
   * @throws OrtFailure.RunFailed if an input is missing, of another type or shape, or a kernel
   *     fails
   */
  public OutputTensors run(Map<String, NativeTensor> feeds, List<String> outputNames) {
    return run(feeds, outputNames, Map.of());
  }

  /**
   * Runs the graph, writing some outputs into memory of the caller.
   *
   * @param feeds one tensor for each input the outputs depend on
   * @param outputNames the outputs to return
   * @param pinned further outputs, each with a tensor of its exact shape that takes its elements
   * @throws OrtFailure.RunFailed as the other {@code run}, and if a pinned shape is wrong
   */
  public OutputTensors run(
      Map<String, NativeTensor> feeds, List<String> outputNames, Map<String, NativeTensor> pinned) {
    try {
      return new OutputTensors(
          session.run(values(feeds), new LinkedHashSet<>(outputNames), values(pinned)));
    } catch (OrtException e) {
      throw new OrtFailure.RunFailed("Running " + model + " failed", e);
    }
  }

  private static Map<String, OnnxTensor> values(Map<String, NativeTensor> tensors) {
    Map<String, OnnxTensor> values = LinkedHashMap.newLinkedHashMap(tensors.size());
    tensors.forEach((name, tensor) -> values.put(name, tensor.value()));
    return values;
  }

  /** Unloads the graph; closing twice does nothing. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      session.close();
    } catch (OrtException e) {
      throw new OrtFailure.RunFailed("Unloading " + model + " failed", e);
    }
  }
}
