package dev.banyan.runtime.inference;

import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.runtime.ort.SessionSettings;

/**
 * How much room there is for adapters beside a base.
 *
 * @param slots adapters that can be loaded at once, beside slot 0
 * @param room the largest value of each size of an adapter
 * @param projections how many different pairs of VeRA's projections adapters can have
 * @param session where and how to compute
 */
public record ServingPlan(int slots, Sizes room, int projections, SessionSettings session) {
  /** Adapters that were not told anything else have the same. */
  public static final int USUAL_PROJECTIONS = 4;

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  public ServingPlan {
    require(slots, "slots");
    require(projections, "projections");
    room.values().forEach((size, value) -> require(value, "max-" + size.text()));
  }

  /** The usual number of projections. */
  public ServingPlan(int slots, Sizes room, SessionSettings session) {
    this(slots, room, USUAL_PROJECTIONS, session);
  }

  /** Room for adapters of these ranks and labels, and of usual other sizes. */
  public ServingPlan(int slots, int maxRank, int maxLabels, SessionSettings session) {
    this(slots, usualRoom().with(Size.RANK, maxRank).with(Size.LABELS, maxLabels), session);
  }

  /** The room that the command line gives by default. */
  public static Sizes usualRoom() {
    return Sizes.none()
        .with(Size.RANK, 16)
        .with(Size.LABELS, 64)
        .with(Size.TOKENS, 32)
        .with(Size.BOTTLENECK, 64)
        .with(Size.PROJECTION, 256);
  }

  private static void require(int value, String name) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + "; expected 1 or more");
    }
  }

  /** The values the command line has by default. */
  public static ServingPlan defaults() {
    return new ServingPlan(64, usualRoom(), SessionSettings.defaults());
  }

  /** One slot for an adapter of any size: for what only looks at it. */
  public static ServingPlan anySize() {
    int most = Integer.MAX_VALUE;
    return new ServingPlan(1, Sizes.of(most, most), SessionSettings.defaults());
  }

  /** Whether this is {@link #anySize}: there is no bank that adapters are put into. */
  boolean isAnySize() {
    return room.of(Size.RANK) == Integer.MAX_VALUE;
  }
}
