package dev.banyan.runtime.training;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.runtime.report.JsonOutput;
import dev.banyan.runtime.report.Score;
import java.util.List;
import java.util.Optional;

/**
 * What a run did.
 *
 * @param losses loss of each step, in order
 * @param stepMillis time of each step in milliseconds, in order
 * @param eval score of the adapter that was kept, on the held-out examples
 * @param bestEpoch epoch of the adapter that was kept, from 1
 * @param bestStep number of steps done when it was made
 * @param labels labels of the classifier; empty when pairs were learned
 * @param trainableParameters numbers that were learned
 * @param frozenParameters numbers that were not
 * @param msPerStepMedian median time of a step
 * @param tokensPerSecond tokens over the time of all steps, padding not counted
 * @param firstStepSeconds time from the start of the process to the end of the first step
 * @param seconds time of the run
 * @param peakRssMib most memory the process held
 * @param adapterDigest identity of what was written
 */
public record TrainingReport(
    List<Float> losses,
    List<Double> stepMillis,
    Optional<Score> eval,
    int bestEpoch,
    int bestStep,
    List<String> labels,
    long trainableParameters,
    long frozenParameters,
    double msPerStepMedian,
    double tokensPerSecond,
    double firstStepSeconds,
    double seconds,
    long peakRssMib,
    Digest adapterDigest) {
  /** The keys that {@code train --json} prints. */
  public ObjectNode toJson() {
    ObjectNode json = JsonText.object();
    var lossArray = json.putArray("losses");
    losses.forEach(lossArray::add);
    var timeArray = json.putArray("step_ms");
    stepMillis.forEach(millis -> timeArray.add(JsonOutput.round(millis, 4)));
    eval.ifPresent(score -> json.set("eval", score.toJson()));
    var labelArray = json.putArray("labels");
    labels.forEach(labelArray::add);
    return json.put("steps", losses.size())
        .put("best_epoch", bestEpoch)
        .put("best_step", bestStep)
        .put("trainable_parameters", trainableParameters)
        .put("frozen_parameters", frozenParameters)
        .put("ms_per_step_median", JsonOutput.round(msPerStepMedian, 4))
        .put("tokens_per_second", JsonOutput.round(tokensPerSecond, 4))
        .put("first_step_seconds", JsonOutput.round(firstStepSeconds, 4))
        .put("seconds", JsonOutput.round(seconds, 4))
        .put("peak_rss_mib", peakRssMib)
        .put("adapter_digest", adapterDigest.toString());
  }
}
