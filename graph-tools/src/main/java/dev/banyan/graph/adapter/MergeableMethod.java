package dev.banyan.graph.adapter;

import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Node;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/**
 * Adapts layers by what their weights can do as well, so that an adapter can become part of them.
 */
public sealed interface MergeableMethod extends LayerMethod
    permits Lora, Dora, LoraFromBase, LoraFa, Loha, Lokr, Miss, Vera, Sparse, Ia3 {
  /**
   * The weights that make the layer alone compute what it does with the adapter, in double
   * precision until the end.
   *
   * @param layer the site's node and its float weights
   * @param adapter a tensor for each of {@link #parameters} and then of {@link #shared} that is
   *     saved, the scaling folded in; what a bank has of one, where that depends on the base's
   *     weight
   * @param allocator where the new weights are
   */
  LayerWeights merge(Layer layer, List<Tensor> adapter, SegmentAllocator allocator);

  /**
   * A layer that is merged into.
   *
   * @param path the path of its module
   * @param node the node that multiplies
   * @param weights its float weights
   */
  record Layer(String path, Node node, LayerWeights weights) {}
}
