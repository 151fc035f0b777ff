package dev.banyan.graph.adapter;

import java.util.List;

/** Trains weights of the base themselves; which, is all that it says. */
public sealed interface WeightMethod extends AdapterMethod
    permits BitFit, Norms, LastLayers, HeadOnly, Full {
  /**
   * The weights that adapters hold.
   *
   * @param all those of the base that can be trained, in graph order
   */
  List<BaseWeight> of(List<BaseWeight> all);
}
