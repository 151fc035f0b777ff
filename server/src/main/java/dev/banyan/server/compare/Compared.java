package dev.banyan.server.compare;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.runtime.report.Metric;
import dev.banyan.runtime.report.Score;
import java.util.List;
import java.util.Optional;

/**
 * What one method took and gave.
 *
 * @param method as it was asked for
 * @param learningRate the rate it was trained with
 * @param figures what was measured; absent if it failed
 * @param problem why it failed; empty if it did not
 */
record Compared(String method, double learningRate, Optional<Figures> figures, String problem) {
  /**
   * What was measured.
   *
   * @param scores one a seed
   * @param parameters numbers that were trained
   * @param adapterBytes size of the adapter's tensors on disk
   * @param stepMillis median time of a step
   * @param peakMib most memory that training held
   * @param servingCost time of a batch of several such adapters over that of the bare base
   */
  record Figures(
      List<Score> scores,
      long parameters,
      long adapterBytes,
      double stepMillis,
      long peakMib,
      double servingCost) {
    /** Copies the list. */
    Figures {
      scores = List.copyOf(scores);
    }

    /** What the task is judged by first. */
    Metric metric() {
      return scores.getFirst().metrics().firstEntry().getKey();
    }

    /** Its mean over the seeds. */
    double mean() {
      return scores.stream()
          .mapToDouble(score -> score.metrics().firstEntry().getValue())
          .average()
          .orElseThrow();
    }
  }

  ObjectNode toJson() {
    ObjectNode json = JsonText.object().put("method", method).put("learning_rate", learningRate);
    if (figures.isEmpty()) {
      return json.put("problem", problem);
    }
    Figures measured = figures.get();
    ArrayNode scores = json.putArray("scores");
    measured.scores().forEach(score -> scores.add(score.toJson()));
    return json.put(measured.metric().key(), measured.mean())
        .put("trainable_parameters", measured.parameters())
        .put("adapter_bytes", measured.adapterBytes())
        .put("ms_per_step", measured.stepMillis())
        .put("peak_rss_mib", measured.peakMib())
        .put("serving_cost", measured.servingCost());
  }
}
