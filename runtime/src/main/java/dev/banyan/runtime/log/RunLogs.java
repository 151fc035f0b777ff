package dev.banyan.runtime.log;

import dev.banyan.runtime.training.TrainingEvent;
import dev.banyan.runtime.training.TrainingListener;
import java.util.ArrayList;
import java.util.List;

/** Several listeners of one run, closed together. */
public final class RunLogs implements TrainingListener, AutoCloseable {
  private final List<TrainingListener> listeners = new ArrayList<>();

  /** None yet. */
  public RunLogs() {}

  /** Adds one. */
  public void add(TrainingListener listener) {
    listeners.add(listener);
  }

  @Override
  public void on(TrainingEvent event) {
    listeners.forEach(listener -> listener.on(event));
  }

  /** Closes the files; closing twice does nothing. */
  @Override
  public void close() {
    for (TrainingListener listener : listeners) {
      switch (listener) {
        case JsonLinesLog log -> log.close();
        case TensorBoardLog log -> log.close();
        default -> {}
      }
    }
  }
}
