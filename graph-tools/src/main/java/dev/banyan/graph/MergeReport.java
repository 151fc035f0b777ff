package dev.banyan.graph;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What was merged.
 *
 * @param files the model, and its data file if it has one
 * @param layers number of layers whose weights changed
 * @param change largest change of any weight
 * @param outputs the model's outputs
 * @param labels names by class id; empty where the task has none
 * @param answers what the merged model's answers are away from those of base and adapter
 * @param requantized what was lost in layers that are stored in few bits; empty if none is
 * @param time how long it took
 */
public record MergeReport(
    List<Path> files,
    int layers,
    double change,
    List<String> outputs,
    List<String> labels,
    Answers answers,
    Optional<Requantized> requantized,
    Duration time) {
  /** Copies the lists. */
  public MergeReport {
    files = List.copyOf(files);
    outputs = List.copyOf(outputs);
    labels = List.copyOf(labels);
  }

  /**
   * How far answers to random texts are away from those of base and adapter: the largest difference
   * between two elements, relative to the largest element if that is above 1.
   *
   * @param difference of the merged model's
   * @param withoutAdapter of the base's own, where a merged model is not expected to be the same
   */
  public record Answers(double difference, OptionalDouble withoutAdapter) {}

  /**
   * What was lost where the merged weights were stored in few bits again, as the layers' were.
   *
   * @param layers their number
   * @param meanError the mean distance of a stored number from the merged one, relative to their
   *     mean magnitude, in the worst layer
   * @param steps the greatest distance, relative to what the rounding to the nearest allows
   * @param kept how far the stored weights went in the direction of the merged ones: 1 if as far
   * @param rounding length of the distance, relative to that of what the adapter changes
   */
  public record Requantized(
      int layers, double meanError, double steps, double kept, double rounding) {}
}
