package dev.banyan.server.inference;

import dev.banyan.server.adapter.Mixture;

/** Which model a query is for. */
public sealed interface Wanted {
  /**
   * One model.
   *
   * @param name {@code tenant/name} of an adapter, or the name of the base
   */
  record Model(String name) implements Wanted {
    @Override
    public String toString() {
      return name;
    }
  }

  /**
   * Several adapters by weight.
   *
   * @param mixture the adapters
   */
  record Mixed(Mixture mixture) implements Wanted {
    @Override
    public String toString() {
      return mixture.toString();
    }
  }
}
