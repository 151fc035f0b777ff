package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.graph.ParityErrors;

/** Gradients of weights of the base. */
final class BiasGradients {
  /** Float sums in another order. */
  private static final double TOLERANCE = 1e-4;

  private BiasGradients() {}

  /**
   * Softmax does not see what all keys have in common, so the gradient of a bias of keys is zero
   * but for rounding.
   */
  static void requireClose(String name, float[] seen, float[] wanted) {
    if (name.endsWith(".key.bias")) {
      assertThat(seen).as(name).containsExactly(new float[wanted.length], within(1e-6f));
      assertThat(wanted).as(name).containsExactly(new float[wanted.length], within(1e-6f));
    } else {
      assertThat(ParityErrors.distance(seen, wanted))
          .as("gradient of " + name)
          .isLessThan(TOLERANCE);
    }
  }
}
