package dev.banyan.graph;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import java.time.Duration;

/**
 * What was prepared.
 *
 * @param bundle the finished bundle
 * @param difference largest difference between an element of an embedding (of length 1) by the
 *     original model and by the serving graph with the bare base
 * @param time how long it took
 */
public record PrepareReport(Bundle bundle, double difference, Duration time) {
  /** Number of trainable parameters of an adapter of this rank with this many labels. */
  public long trainableParameters(long rank, long labels) {
    return bundle.manifest().parameters().stream()
        .map(spec -> spec.of(Math.toIntExact(rank)))
        .filter(ParameterSpec::isTrained)
        .mapToLong(spec -> spec.shape(rank, labels).elements())
        .sum();
  }

  /** Number of trainable parameters that each unit of rank brings. */
  public long parametersForEachRank() {
    return parametersForEach(ParameterSpec.RANK);
  }

  /** Number of trainable parameters that each label brings. */
  public long parametersForEachLabel() {
    return parametersForEach(ParameterSpec.LABELS);
  }

  /** Number of weights of the base that every adapter trains: biases and saved modules. */
  public long parametersOfBase() {
    return bundle.manifest().parameters().stream()
        .filter(ParameterSpec::isOfBase)
        .mapToLong(spec -> spec.shape(1, 1).elements())
        .sum();
  }

  /** Every parameter has one symbolic axis at most. */
  private long parametersForEach(String symbol) {
    return bundle.manifest().parameters().stream()
        .filter(spec -> spec.dims().contains(symbol))
        .mapToLong(spec -> spec.shape(1, 1).elements())
        .sum();
  }
}
