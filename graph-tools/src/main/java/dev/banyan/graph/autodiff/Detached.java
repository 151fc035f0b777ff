package dev.banyan.graph.autodiff;

import dev.banyan.graph.ir.Node;

/**
 * Nodes that gradient does not flow through though their operators let it: what PyTorch's {@code
 * detach} is for. They are told by their names, which have the part {@link #NAME}.
 */
public final class Detached {
  /** The part of a name, between slashes. */
  public static final String NAME = "detached";

  private Detached() {}

  /** Whether a node is one of them. */
  static boolean is(Node node) {
    return node.name().startsWith("banyan/") && node.name().contains("/" + NAME + "/");
  }
}
