package dev.banyan.graph.export;

import dev.banyan.graph.GraphFailure.NotMergeable;

/** What a merged model answers, and what base and adapter do. */
final class AnswerPair {
  private final float[] merged;
  private final float[] expected;

  AnswerPair(float[] merged, float[] expected) {
    this.merged = merged;
    this.expected = expected;
  }

  /**
   * The largest difference, relative to the largest element if that is above 1.
   *
   * @throws NotMergeable if it is above what is tolerated, or no number
   */
  double difference(String output, double tolerance) {
    double difference = 0;
    double scale = 1;
    for (int i = 0; i < expected.length; i++) {
      scale = Math.max(scale, Math.abs(expected[i]));
      double one = i < merged.length ? Math.abs(merged[i] - expected[i]) : Double.NaN;
      // A difference that is no number must not get lost in a comparison.
      difference = Double.isNaN(one) || one > difference ? one : difference;
    }
    double relative = difference / scale;
    if (!(relative <= tolerance) || merged.length != expected.length) {
      throw new NotMergeable(
          "The merged model gives '%s' %.3g away from base and adapter (largest element %.3g, expected at most %.0e of it). Nothing was written; please report the model"
              .formatted(output, difference, scale, tolerance));
    }
    return relative;
  }
}
