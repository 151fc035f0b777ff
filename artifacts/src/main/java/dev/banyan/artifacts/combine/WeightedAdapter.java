package dev.banyan.artifacts.combine;

import dev.banyan.artifacts.adapter.PeftAdapter;

/**
 * One of the adapters that are combined.
 *
 * @param name what messages call it
 * @param adapter the adapter
 * @param weight how much it counts; below zero, what it learned is taken away
 */
public record WeightedAdapter(String name, PeftAdapter adapter, double weight) {
  /**
   * Checks the weight.
   *
   * @throws IllegalArgumentException if it is not finite
   */
  public WeightedAdapter {
    if (!Double.isFinite(weight)) {
      throw new IllegalArgumentException(
          "weight of %s is %s; expected a finite number".formatted(name, weight));
    }
  }
}
