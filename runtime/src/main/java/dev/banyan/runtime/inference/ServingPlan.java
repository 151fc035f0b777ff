package dev.banyan.runtime.inference;

import dev.banyan.runtime.ort.SessionSettings;

/**
 * How much room there is for adapters beside a base.
 *
 * @param slots adapters that can be loaded at once, beside slot 0
 * @param maxRank highest rank of an adapter
 * @param maxLabels most labels of an adapter
 * @param session where and how to compute
 */
public record ServingPlan(int slots, int maxRank, int maxLabels, SessionSettings session) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  public ServingPlan {
    require(slots, "slots");
    require(maxRank, "max-rank");
    require(maxLabels, "max-labels");
  }

  private static void require(int value, String name) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + "; expected 1 or more");
    }
  }

  /** The values the command line has by default. */
  public static ServingPlan defaults() {
    return new ServingPlan(64, 16, 64, SessionSettings.defaults());
  }
}
