package dev.banyan.runtime.ort;

import java.util.Set;

/**
 * What {@link ModelProbe#simplify} may do.
 *
 * @param disabledOptimizers names of ORT's rewrites that are left out
 * @param externalBytes initializers of at least this size go to the external data file
 */
public record SimplifySettings(Set<String> disabledOptimizers, int externalBytes) {
  /** Copies the set. */
  public SimplifySettings {
    disabledOptimizers = Set.copyOf(disabledOptimizers);
  }

  /**
   * Constant folding and clean-up only: the rewrites that merge a linear layer with its neighbours,
   * move its weight or fuse operators are off, so that every layer stays where its name says.
   * Tensors from 1 KiB go to the external file.
   */
  public static SimplifySettings defaults() {
    return new SimplifySettings(
        Set.of(
            "MatMulAddFusion",
            "MatMulScaleFusion",
            "MatmulTransposeFusion",
            "MatmulBNFusion",
            "GemmTransposeFusion",
            "GemmSumFusion",
            "ReshapeFusion",
            "GeluFusionL1",
            "GeluFusionL2",
            "LayerNormFusionL1",
            "LayerNormFusionL2",
            "SimplifiedLayerNormFusion",
            "TransposeOptimizer"),
        1024);
  }
}
