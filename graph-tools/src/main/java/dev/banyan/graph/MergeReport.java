package dev.banyan.graph;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What was merged.
 *
 * @param files the model, and its data file if it has one
 * @param layers number of layers whose weights changed
 * @param change largest change of any weight
 * @param outputs the model's outputs
 * @param labels names by class id; empty where the task has none
 * @param difference largest difference between an element of the merged model's answers and those
 *     of base and adapter, relative to the largest element if that is above 1
 * @param time how long it took
 */
public record MergeReport(
    List<Path> files,
    int layers,
    double change,
    List<String> outputs,
    List<String> labels,
    double difference,
    Duration time) {
  /** Copies the lists. */
  public MergeReport {
    files = List.copyOf(files);
    outputs = List.copyOf(outputs);
    labels = List.copyOf(labels);
  }
}
