package dev.banyan.runtime.training;

import dev.banyan.runtime.ort.SessionSettings;

/**
 * What computes a run.
 *
 * @param engine which of the engines
 * @param session where and how
 * @param prefixCacheMib most MiB to keep of what is below the lowest adapter, so that later epochs
 *     need not compute it again; 0 to compute it each time
 */
public record Compute(EngineKind engine, SessionSettings session, int prefixCacheMib) {
  /**
   * Checks the range.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  public Compute {
    Require.that(prefixCacheMib >= 0, "prefix-cache", prefixCacheMib, "0 (off) or more");
  }

  /** The plain session on the CPU, and at most 2 GiB kept. */
  public static Compute defaults() {
    return new Compute(EngineKind.SESSION, SessionSettings.defaults(), 2048);
  }

  /** The same on another engine. */
  public Compute with(EngineKind other) {
    return new Compute(other, session, prefixCacheMib);
  }

  /** The same with another limit. */
  public Compute withPrefixCacheMib(int limit) {
    return new Compute(engine, session, limit);
  }
}
