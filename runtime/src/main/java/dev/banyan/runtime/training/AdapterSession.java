package dev.banyan.runtime.training;

import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.TensorPort;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A graph of one adapter with that adapter's parameters.
 *
 * @param session over the gradient or the eval graph
 * @param parameters by name, in memory that is read at each run
 */
record AdapterSession(InferenceSession session, Map<String, NativeTensor> parameters) {
  /** Output of every such graph. */
  static final String LOSS = "loss";

  /** The user inputs and the parameters. */
  Map<String, NativeTensor> with(Map<String, NativeTensor> feeds) {
    Map<String, NativeTensor> all = new LinkedHashMap<>(parameters);
    all.putAll(feeds);
    return all;
  }

  /** All outputs of the graph. */
  OutputTensors evaluate(Map<String, NativeTensor> feeds) {
    return session.run(with(feeds), session.outputs().stream().map(TensorPort::name).toList());
  }

  /**
   * What the graph predicts.
   *
   * @param feeds may have inputs that only the other graph has, such as masks
   */
  float[] predict(Map<String, NativeTensor> feeds) {
    Map<String, NativeTensor> known = with(feeds);
    known.keySet().retainAll(session.inputs().stream().map(TensorPort::name).toList());
    String prediction =
        session.outputs().stream()
            .map(TensorPort::name)
            .filter(name -> !name.equals(LOSS) && !name.endsWith("_grad"))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("The graph predicts nothing"));
    try (OutputTensors outputs = session.run(known, List.of(prediction))) {
      return outputs.floats(prediction);
    }
  }
}
