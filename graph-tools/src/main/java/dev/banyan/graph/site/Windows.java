package dev.banyan.graph.site;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Node;

/** Tells the convolutions that can carry an adapter from others. */
final class Windows {
  private Windows() {}

  /**
   * Whether a node is a convolution over images, of one group and without gaps in its windows, with
   * a constant weight of floats.
   */
  static boolean areSites(Node node) {
    return node.op().is("Conv")
        && !node.input(0).isConstant()
        && node.intAttribute("group", 1) == 1
        && node.intsAttribute("dilations").stream()
            .flatMap(gaps -> gaps.stream())
            .allMatch(gap -> gap == 1)
        && node.input(1)
            .constant()
            .filter(weight -> weight.type() == DType.FLOAT && weight.shape().rank() == 4)
            .isPresent();
  }
}
