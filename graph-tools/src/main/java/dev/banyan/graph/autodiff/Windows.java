package dev.banyan.graph.autodiff;

import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * How the windows of a convolution or a pooling lie along one spatial axis. Sizes are int64 {@code
 * [1]}, and constants as far as they are known before the graph runs.
 *
 * @param input size of the side that the windows slide over
 * @param output number of windows
 * @param stride distance from one window to the next
 * @param dilation distance from one element of a window to the next
 * @param extent places from the first to the last element of a window
 * @param begin places of padding before the input
 */
record Windows(Value input, Value output, long stride, long dilation, Value extent, Value begin) {
  /**
   * The windows of a node along every spatial axis.
   *
   * @param large slid over, {@code [batch, channels, axis...]}
   * @param small has a place for each window, {@code [batch, channels, axis...]}
   * @param kernel size of a window along each axis
   */
  static List<Windows> of(GradientContext c, Value large, Value small, List<Value> kernel) {
    List<Windows> axes = new ArrayList<>();
    List<Long> strides = perAxis(c.node(), "strides", kernel.size());
    List<Long> dilations = perAxis(c.node(), "dilations", kernel.size());
    for (int i = 0; i < kernel.size(); i++) {
      Value input = c.dimOf(large, i + 2);
      Value output = c.dimOf(small, i + 2);
      Value one = c.longs(1);
      Value steps = c.product(c.minus(kernel.get(i), one), c.longs(dilations.get(i)));
      Value extent = c.plus(steps, one);
      Windows unpadded =
          new Windows(input, output, strides.get(i), dilations.get(i), extent, c.longs(0));
      axes.add(unpadded.padded(c, i));
    }
    return axes;
  }

  private static List<Long> perAxis(Node node, String name, int axes) {
    return node.intsAttribute(name).orElse(Collections.nCopies(axes, 1L));
  }

  private Windows padded(GradientContext c, int axis) {
    String rule = c.node().textAttribute("auto_pad", "NOTSET");
    Value before =
        switch (rule) {
          case "SAME_UPPER" -> half(c, missing(c));
          case "SAME_LOWER" -> c.minus(missing(c), half(c, missing(c)));
          case "VALID" -> c.longs(0);
          default -> c.longs(c.node().intsAttribute("pads").map(pads -> pads.get(axis)).orElse(0L));
        };
    return new Windows(input, output, stride, dilation, extent, before);
  }

  /** What all windows together reach over more than the input. */
  private Value missing(GradientContext c) {
    Value difference = c.minus(reach(c), input);
    Optional<long[]> known = Constants.longs(difference);
    return known
        .map(value -> c.longs(Math.max(value[0], 0)))
        .orElseGet(() -> c.where(c.op("Less", difference, c.longs(0)), c.longs(0), difference));
  }

  private static Value half(GradientContext c, Value value) {
    return Constants.longs(value)
        .map(known -> c.longs(known[0] / 2))
        .orElseGet(() -> c.op("Div", value, c.longs(2)));
  }

  /** Places from the first place of the first window to the last place of the last. */
  Value reach(GradientContext c) {
    return c.plus(c.product(c.minus(output, c.longs(1)), c.longs(stride)), extent);
  }

  /** Places that the windows reach over the input's end; negative if they do not get there. */
  Value end(GradientContext c) {
    return c.minus(c.minus(reach(c), begin), input);
  }

  /**
   * The paddings before all axes and then behind them, int64.
   *
   * @param others what stands before each half, for the axes that have no windows
   */
  static Value pads(GradientContext c, List<Windows> axes, List<Value> others) {
    List<Value> pads = new ArrayList<>(others);
    axes.forEach(axis -> pads.add(axis.begin()));
    pads.addAll(others);
    axes.forEach(axis -> pads.add(axis.end(c)));
    return c.concat(pads);
  }

  /** The strides of all axes. */
  static Attribute strides(List<Windows> axes) {
    return new Attribute.Ints(axes.stream().map(Windows::stride).toList());
  }

  /** The dilations of all axes. */
  static Attribute dilations(List<Windows> axes) {
    return new Attribute.Ints(axes.stream().map(Windows::dilation).toList());
  }
}
