package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.tensor.Tensor;

/**
 * Tells whether a parameter still has the value at which its method changes nothing. An adapter of
 * which all have it answers as the base does.
 */
public final class Neutral {
  private Neutral() {}

  /** Whether a parameter's value tells anything: only what starts neutral does. */
  public static boolean isTelling(ParameterSpec spec) {
    return spec.method().isPresent()
        && spec.isTrained()
        && (spec.init() == Initializer.ZEROS || spec.init() == Initializer.ONES);
  }

  /** Whether a parameter for which {@link #isTelling} holds is as at its start. */
  public static boolean is(ParameterSpec spec, Tensor tensor) {
    float start = spec.init() == Initializer.ONES ? 1 : 0;
    for (float value : tensor.floats()) {
      if (value != start) {
        return false;
      }
    }
    return true;
  }
}
