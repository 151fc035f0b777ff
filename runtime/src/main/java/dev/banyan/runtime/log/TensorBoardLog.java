package dev.banyan.runtime.log;

import dev.banyan.artifacts.events.EventFile;
import dev.banyan.runtime.report.Score;
import dev.banyan.runtime.training.TrainingEvent;
import dev.banyan.runtime.training.TrainingListener;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Curves for TensorBoard: {@code train/..} for each step, {@code eval/..} for each evaluation. */
public final class TensorBoardLog implements TrainingListener, AutoCloseable {
  private final Path folder;
  private @Nullable EventFile events;

  /** Writes a new file into this folder as soon as a run starts. */
  public TensorBoardLog(Path folder) {
    this.folder = folder;
  }

  @Override
  public void on(TrainingEvent event) {
    switch (event) {
      case TrainingEvent.Started started -> {
        events = EventFile.create(folder);
        events.start(started.done() + 1L);
      }
      case TrainingEvent.Stepped step -> file().scalars(step.step(), values(step));
      case TrainingEvent.Evaluated evaluated ->
          file().scalars(evaluated.step(), values(evaluated.score()));
      case TrainingEvent.TextsCut _,
          TrainingEvent.PrefixKept _,
          TrainingEvent.Saved _,
          TrainingEvent.StateSaved _,
          TrainingEvent.StoppedEarly _,
          TrainingEvent.Interrupted _ -> {}
    }
  }

  private static Map<String, Float> values(TrainingEvent.Stepped step) {
    Map<String, Float> values = new LinkedHashMap<>();
    values.put("train/loss", step.loss());
    values.put("train/learning_rate", (float) step.learningRate());
    step.gradientNorm().ifPresent(norm -> values.put("train/gradient_norm", (float) norm));
    values.put("train/epoch", (float) step.epoch());
    values.put("train/tokens_per_second", (float) (step.tokens() / (step.nanos() / 1e9)));
    return values;
  }

  /** Under the names of the JSON. */
  private static Map<String, Float> values(Score score) {
    Map<String, Float> values = new LinkedHashMap<>();
    score
        .toJson()
        .properties()
        .forEach(
            entry -> {
              if (entry.getValue().isNumber() && !entry.getKey().equals("examples")) {
                values.put("eval/" + entry.getKey(), entry.getValue().floatValue());
              }
            });
    return values;
  }

  private EventFile file() {
    if (events == null) {
      throw new IllegalStateException("The run has not started");
    }
    return events;
  }

  /** Closes the file; closing twice does nothing. */
  @Override
  public void close() {
    if (events != null) {
      events.close();
    }
  }
}
