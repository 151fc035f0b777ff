package dev.banyan.graph.autodiff;

import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.LongUnaryOperator;
import java.util.stream.IntStream;

/**
 * Convolutions of {@code x [batch, in, axis...]} with {@code w [out, in / group, kernel...]} along
 * any number of axes, and transposed ones. A transposed convolution is the input gradient of a
 * convolution from its output to its input, so each has its gradients in terms of the other.
 */
public final class ConvolutionGradients {
  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped(
              "Conv",
              ConvolutionGradients::input,
              c -> weight(c, new Sides(c.in(0), c.dy(), windows(c, c.in(0), c.out()))),
              ConvolutionGradients::bias)
          .shaped(
              "ConvTranspose",
              ConvolutionGradients::transposedInput,
              c -> weight(c, new Sides(c.dy(), c.in(0), transposedWindows(c))),
              ConvolutionGradients::bias)
          .build();

  private ConvolutionGradients() {}

  /**
   * The two sides of a convolution.
   *
   * @param large what windows slide over
   * @param small what has a place for each window
   * @param axes the windows
   */
  private record Sides(Value large, Value small, List<Windows> axes) {}

  private static List<Windows> windows(GradientContext c, Value large, Value small) {
    List<Value> kernel = new ArrayList<>();
    for (int axis = 2; axis < c.rank(c.in(0)); axis++) {
      kernel.add(c.dimOf(c.in(1), axis));
    }
    return Windows.of(c, large, small, kernel);
  }

  private static List<Windows> transposedWindows(GradientContext c) {
    if (c.node().textAttribute("auto_pad", "NOTSET").startsWith("SAME")
        || c.node().attribute("output_shape").isPresent()) {
      throw new NotDifferentiable(
          "%s leaves its padding to be found from its output's shape; export it with 'pads'"
              .formatted(c.node()));
    }
    return windows(c, c.out(), c.in(0));
  }

  private static Map<String, Attribute> attributes(
      GradientContext c, Attribute strides, Attribute dilations) {
    Map<String, Attribute> attributes = new TreeMap<>();
    attributes.put("strides", strides);
    attributes.put("dilations", dilations);
    attributes.put("group", Attribute.of(c.node().intAttribute("group", 1)));
    return attributes;
  }

  /** A convolution's paddings as numbers, whatever its 'auto_pad' says; empty if not known. */
  static Optional<long[]> knownPads(GradientContext c) {
    List<Windows> axes = windows(c, c.in(0), c.out());
    return Constants.longs(Windows.pads(c, axes, List.of()))
        .map(pads -> map(pads, pad -> Math.max(pad, 0)));
  }

  /** Every window hands its gradient to the places that it saw, through the same weights. */
  private static Value input(GradientContext c) {
    List<Windows> axes = windows(c, c.in(0), c.out());
    Map<String, Attribute> attributes =
        attributes(c, Windows.strides(axes), Windows.dilations(axes));
    Optional<long[]> known = Constants.longs(Windows.pads(c, axes, List.of()));
    if (known.isPresent()) {
      // A negative padding is places at the end that no window reaches.
      long[] pads = known.get();
      long[] rest = Arrays.copyOfRange(pads, axes.size(), pads.length);
      attributes.put("pads", Attribute.ints(map(pads, pad -> Math.max(pad, 0))));
      attributes.put("output_padding", Attribute.ints(map(rest, end -> Math.max(-end, 0))));
      return c.op("ConvTranspose", attributes, c.dy(), c.in(1));
    }
    Value reached = c.op("ConvTranspose", attributes, c.dy(), c.in(1));
    List<Value> none = List.of(c.longs(0), c.longs(0));
    return c.pad(reached, c.neg(Windows.pads(c, axes, none)));
  }

  private static long[] map(long[] values, LongUnaryOperator operator) {
    return Arrays.stream(values).map(operator).toArray();
  }

  private static Value transposedInput(GradientContext c) {
    List<Windows> axes = transposedWindows(c);
    Map<String, Attribute> attributes =
        attributes(c, Windows.strides(axes), Windows.dilations(axes));
    return c.op("Conv", attributes, padded(c, c.dy(), axes, attributes), c.in(1));
  }

  /** Pads by attribute where that can be, else with a node. */
  private static Value padded(
      GradientContext c, Value large, List<Windows> axes, Map<String, Attribute> attributes) {
    Optional<long[]> pads = Constants.longs(Windows.pads(c, axes, List.of()));
    if (pads.isPresent() && Arrays.stream(pads.get()).allMatch(pad -> pad >= 0)) {
      attributes.put("pads", Attribute.ints(pads.get()));
      return large;
    }
    return c.pad(large, Windows.pads(c, axes, List.of(c.longs(0), c.longs(0))));
  }

  /**
   * A convolution of the large side with the small one, with batch and channels swapped, and
   * strides and dilations too.
   *
   * @return {@code [out, in / group, kernel...]}
   */
  private static Value weight(GradientContext c, Sides sides) {
    List<Windows> axes = sides.axes();
    Map<String, Attribute> attributes =
        attributes(
            c, /* strides= */ Windows.dilations(axes), /* dilations= */ Windows.strides(axes));
    Value large = padded(c, sides.large(), axes, attributes);
    int[] swapped = IntStream.range(0, axes.size() + 2).toArray();
    swapped[0] = 1;
    swapped[1] = 0;
    Value channels =
        c.node().intAttribute("group", 1) == 1
            ? c.transpose(large, swapped)
            : groupsAsChannels(c, large, axes, attributes.containsKey("pads"));
    Value product = c.op("Conv", attributes, channels, c.transpose(sides.small(), swapped));
    return c.transpose(product, swapped);
  }

  /** {@code [batch, group * n, axis...]} as {@code [n, group * batch, axis...]}. */
  private static Value groupsAsChannels(
      GradientContext c, Value large, List<Windows> axes, boolean asItWas) {
    Value batch = c.dimOf(c.in(0), 0);
    Value group = c.longs(c.node().intAttribute("group", 1));
    Value channels = c.dimOf(c.in(1), 1);
    List<Value> spatial =
        axes.stream().map(axis -> asItWas ? axis.input() : axis.reach(c)).toList();
    List<Value> apart = new ArrayList<>(List.of(batch, group, channels));
    apart.addAll(spatial);
    int[] permutation = IntStream.range(0, apart.size()).toArray();
    permutation[0] = 2;
    permutation[2] = 0;
    List<Value> together = new ArrayList<>(List.of(channels, c.product(group, batch)));
    together.addAll(spatial);
    Value turned = c.transpose(c.reshape(large, c.concat(apart)), permutation);
    return c.reshape(turned, c.concat(together));
  }

  private static Value bias(GradientContext c) {
    return c.sumAway(c.dy(), allButChannels(c));
  }

  /** The batch axis and the spatial ones. */
  static List<Integer> allButChannels(GradientContext c) {
    return IntStream.range(0, c.rank(c.in(0))).filter(axis -> axis != 1).boxed().toList();
  }
}
