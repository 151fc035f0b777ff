package dev.banyan.graph.adapter;

/** Trains weights of the base themselves; which, is all that it says. */
public sealed interface WeightMethod extends AdapterMethod permits BitFit {
  /** Whether adapters hold a weight of the base. */
  boolean trains(BaseWeight weight);
}
