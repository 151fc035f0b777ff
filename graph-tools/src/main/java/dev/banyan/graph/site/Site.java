package dev.banyan.graph.site;

import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A place that can carry an adapter. Most are linear layers: a {@code MatMul} or {@code Gemm} with
 * a constant weight, or a product with a weight that is quantized.
 *
 * @param path dotted path of the module, for instance {@code encoder.layer.0.attention.self.query};
 *     unique in its graph
 * @param kind what it is
 * @param node the node that multiplies, or looks up
 * @param inFeatures size of the last axis of a layer's input; or rows of a table, or channels
 * @param outFeatures size of the last axis of the output, or channels
 * @param end what the layer gives, with the bias, before anything is inserted: the node's output,
 *     or that of the {@code Add} behind it
 */
public record Site(
    String path, SiteKind kind, Node node, long inFeatures, long outFeatures, Value end) {
  /** A site in a graph without adapters. */
  public Site(String path, Node node, long inFeatures, long outFeatures) {
    this(path, SiteKind.of(node), node, inFeatures, outFeatures, Bias.end(node));
  }

  /** What the site reads: {@code [..., inFeatures]}, or the numbers of a table's rows. */
  public Value input() {
    return node.input(1 - weightPlace(node));
  }

  /**
   * The constant weight; {@code [in, out]}, or {@code [out, in]} if {@link #isTransposed()}. One
   * that is quantized has its operator's layout.
   */
  public Value weight() {
    return node.input(weightPlace(node));
  }

  /** Which of the inputs of a site's node is its weight. */
  public static int weightPlace(Node node) {
    return switch (SiteKind.of(node)) {
      case SiteKind.Linear _, SiteKind.Part _, SiteKind.Convolution _ -> 1;
      case SiteKind.Embedding _ -> 0;
    };
  }

  /** True for a linear layer. */
  public boolean isLinear() {
    return kind instanceof SiteKind.Linear;
  }

  /** True where vectors are multiplied by a weight: for a linear layer and for parts of one. */
  public boolean multipliesVectors() {
    return switch (kind) {
      case SiteKind.Linear _, SiteKind.Part _ -> true;
      case SiteKind.Embedding _, SiteKind.Convolution _ -> false;
    };
  }

  /** True if the weight is stored as {@code [out, in]} and transposed by the node. */
  public boolean isTransposed() {
    return node.intAttribute("transB", 0) != 0;
  }

  /**
   * What the node makes, {@code [..., outFeatures]}, of a part all columns of its layer: before the
   * bias, if that is added apart.
   */
  public Value output() {
    return node.output();
  }

  /**
   * The constant bias of a node that multiplies, added by itself or by an {@code Add} behind it; a
   * table has none.
   */
  public static Optional<Value> biasOf(Node linear) {
    return Bias.of(linear);
  }

  /** The place of a bias among the inputs of a node whose operator can add one. */
  public static OptionalInt biasPlace(Node linear) {
    return Bias.place(linear);
  }

  /** The layer's constant bias, added by the node itself or by an {@code Add} behind it. */
  public Optional<Value> bias() {
    return Bias.of(node);
  }

  /** Number of elements of weight and bias. */
  public long parameters() {
    // A quantized weight's tensor has its operator's shape, and of it one knows the sizes alone.
    long window =
        kind instanceof SiteKind.Convolution
            ? weight().constant().orElseThrow().shape().elements() / (inFeatures * outFeatures)
            : 1;
    return inFeatures * outFeatures * window + (bias().isPresent() ? outFeatures : 0);
  }
}
