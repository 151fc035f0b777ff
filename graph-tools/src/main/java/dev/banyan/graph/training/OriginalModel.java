package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The source model as it was before Banyan touched it, with pooling and normalization in Java: what
 * the graphs of a bundle are held against.
 */
final class OriginalModel implements AutoCloseable {
  private final InferenceSession session;
  private final String output;
  private final Pooling pooling;

  /**
   * Loads the model.
   *
   * @param output name of the hidden states {@code [batch, sequence, hidden]}, or of the model's
   *     own pooled output {@code [batch, hidden]} for {@link Pooling#POOLER}
   * @param settings how to run it
   */
  OriginalModel(Path model, String output, Pooling pooling, SessionSettings settings) {
    this.session = InferenceSession.open(model, settings);
    this.output = output;
    this.pooling = pooling;
  }

  /** Embeddings of length 1, {@code [batch, hidden]} row by row. */
  float[] embed(RandomBatch batch) {
    try (TensorScope scope = new TensorScope();
        OutputTensors out = session.run(feeds(scope, batch), List.of(output))) {
      float[] values = out.floats(output);
      int hidden = Math.toIntExact(out.shape(output).dim(-1));
      float[] result = new float[batch.rows() * hidden];
      for (int row = 0; row < batch.rows(); row++) {
        double[] pooled = pool(batch, row, values, hidden);
        double length = 0;
        for (double value : pooled) {
          length += value * value;
        }
        for (int i = 0; i < hidden; i++) {
          result[row * hidden + i] = (float) (pooled[i] / Math.max(Math.sqrt(length), 1e-12));
        }
      }
      return result;
    }
  }

  private Map<String, NativeTensor> feeds(TensorScope scope, RandomBatch batch) {
    Map<String, NativeTensor> feeds = new HashMap<>();
    session.inputs().forEach(port -> feeds.put(port.name(), batch.feed(scope, port.name())));
    return feeds;
  }

  private double[] pool(RandomBatch batch, int row, float[] values, int hidden) {
    double[] pooled = new double[hidden];
    int first = row * (pooling == Pooling.POOLER ? 1 : batch.length());
    for (int token = 0; token < tokensPooled(batch); token++) {
      if (pooling != Pooling.MEAN || batch.isToken(row, token)) {
        for (int i = 0; i < hidden; i++) {
          pooled[i] += values[(first + token) * hidden + i];
        }
      }
    }
    return pooled;
  }

  /** A sum has the direction of the mean, and the embedding is normalized. */
  private int tokensPooled(RandomBatch batch) {
    return pooling == Pooling.MEAN ? batch.length() : 1;
  }

  @Override
  public void close() {
    session.close();
  }
}
