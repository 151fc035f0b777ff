package dev.banyan.runtime.log;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.AtomicFiles;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.runtime.report.JsonOutput;
import dev.banyan.runtime.training.TrainingEvent;
import dev.banyan.runtime.training.TrainingListener;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * A file with one JSON object a line and event, each flushed at once. A run that goes on appends,
 * after lines of steps that it will do again are taken out: the file reads as if the run had never
 * stopped.
 */
public final class JsonLinesLog implements TrainingListener, AutoCloseable {
  private static final JsonMapper MAPPER = new JsonMapper();

  private final Path file;
  private @Nullable BufferedWriter out;

  /** Writes to this file as soon as a run starts. */
  public JsonLinesLog(Path file) {
    this.file = file;
  }

  @Override
  public void on(TrainingEvent event) {
    switch (event) {
      case TrainingEvent.Started started -> {
        open(started.done());
        write(
            object("start")
                .put("step", started.done())
                .put("steps", started.steps())
                .put("steps_per_epoch", started.stepsPerEpoch()));
      }
      // Told before the run starts, and about no step.
      case TrainingEvent.TextsCut _, TrainingEvent.PrefixKept _ -> {}
      case TrainingEvent.Stepped step -> write(step(step));
      case TrainingEvent.Evaluated evaluated -> {
        ObjectNode json = object("eval").put("step", evaluated.step());
        json.put("epoch", evaluated.epoch()).set("score", evaluated.score().toJson());
        write(json.put("best", evaluated.best()));
      }
      case TrainingEvent.Saved saved ->
          write(
              object("adapter")
                  .put("step", saved.step())
                  .put("epoch", saved.epoch())
                  .put("digest", saved.digest().toString()));
      case TrainingEvent.StateSaved saved -> write(object("state").put("step", saved.step()));
      case TrainingEvent.StoppedEarly stopped ->
          write(object("stopped_early").put("step", stopped.step()).put("epoch", stopped.epoch()));
      case TrainingEvent.Interrupted interrupted ->
          write(object("interrupted").put("step", interrupted.step()));
    }
  }

  private static ObjectNode step(TrainingEvent.Stepped step) {
    ObjectNode json =
        object("step")
            .put("step", step.step())
            .put("epoch", step.epoch())
            .put("loss", step.loss())
            .put("learning_rate", step.learningRate());
    step.gradientNorm().ifPresent(norm -> json.put("gradient_norm", JsonOutput.round(norm, 7)));
    return json.put("tokens", step.tokens()).put("ms", JsonOutput.round(step.nanos() / 1e6, 4));
  }

  private static ObjectNode object(String event) {
    return JsonText.object().put("event", event);
  }

  private void open(int done) {
    try {
      if (done == 0) {
        AtomicFiles.write(file, new byte[0]);
      } else {
        AtomicFiles.write(file, kept(done).getBytes(StandardCharsets.UTF_8));
      }
      out = Files.newBufferedWriter(file, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + file, e);
    }
  }

  /** The lines up to this step; a line that a killed process has not finished is none. */
  private String kept(int done) throws IOException {
    StringBuilder kept = new StringBuilder();
    try {
      for (String line : Files.readAllLines(file)) {
        if (isUpTo(done, line)) {
          kept.append(line).append('\n');
        }
      }
    } catch (NoSuchFileException e) {
      // The run before had no log; the new one starts here.
    }
    return kept.toString();
  }

  private static boolean isUpTo(int done, String line) {
    try {
      JsonNode json = MAPPER.readTree(line);
      return json.path("step").isInt() && json.path("step").intValue() <= done;
    } catch (JsonProcessingException e) {
      return false;
    }
  }

  private void write(ObjectNode json) {
    if (out == null) {
      throw new IllegalStateException("The run has not started");
    }
    try {
      out.write(JsonText.line(json));
      out.write('\n');
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + file, e);
    }
  }

  /** Closes the file; closing twice does nothing. */
  @Override
  public void close() {
    try {
      if (out != null) {
        out.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot close " + file, e);
    }
  }
}
