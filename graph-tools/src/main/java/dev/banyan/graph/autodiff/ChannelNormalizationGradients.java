package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.ConvolutionGradients.allButChannels;
import static dev.banyan.graph.autodiff.GradientRule.NO_GRADIENT;

import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.autodiff.NormalizationGradients.Normalized;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Operators that normalize {@code [batch, channels, axis...]}, with a scale and a bias for each
 * channel.
 */
public final class ChannelNormalizationGradients {
  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped(
              "InstanceNormalization",
              c -> ofPlanes(c).back(c, c.mul(c.dy(), perChannel(c, c.in(1)))),
              c -> sumToChannels(c, c.mul(c.dy(), ofPlanes(c).h())),
              c -> sumToChannels(c, c.dy()))
          .shaped(
              "GroupNormalization",
              ChannelNormalizationGradients::grouped,
              ChannelNormalizationGradients::groupedScale,
              ChannelNormalizationGradients::groupedBias)
          .shaped(
              "BatchNormalization",
              c -> c.mul(c.dy(), perChannel(c, c.mul(c.in(1), inverseDeviation(c)))),
              ChannelNormalizationGradients::frozenScale,
              c -> sumToChannels(c, c.dy()),
              NO_GRADIENT,
              NO_GRADIENT)
          .build();

  private ChannelNormalizationGradients() {}

  /** One number a channel, to be broadcast over the axes behind the channels. */
  private static Value perChannel(GradientContext c, Value numbers) {
    return c.unsqueeze(numbers, IntStream.range(1, c.rank(c.in(0)) - 1).boxed().toList());
  }

  private static Value sumToChannels(GradientContext c, Value gradient) {
    return c.sumAway(gradient, allButChannels(c));
  }

  // ---- a mean and a deviation for each channel of each example ----

  private static Normalized ofPlanes(GradientContext c) {
    return Normalized.of(c, c.in(0), IntStream.range(2, c.rank(c.in(0))).boxed().toList());
  }

  // ---- the same for each group of channels: [batch, group, elements] ----

  /** Before opset 21 a scale and a bias belonged to a group. */
  private static boolean isScaledByGroup(GradientContext c) {
    return c.opset() < 21;
  }

  private static Normalized ofGroups(GradientContext c) {
    return Normalized.of(c, inGroups(c, c.in(0)), List.of(2));
  }

  private static Value inGroups(GradientContext c, Value value) {
    long groups = c.node().intAttribute("num_groups", 1);
    Value elements = c.longs(1);
    for (int axis = 1; axis < c.rank(c.in(0)); axis++) {
      elements = c.product(elements, c.dimOf(c.in(0), axis));
    }
    Value open = elements;
    Value each =
        Constants.longs(elements)
            .map(known -> c.longs(known[0] / groups))
            .orElseGet(() -> c.op("Div", open, c.longs(groups)));
    return c.reshape(value, c.concat(List.of(c.dimOf(c.in(0), 0), c.longs(groups), each)));
  }

  private static Value grouped(GradientContext c) {
    Value g =
        isScaledByGroup(c)
            ? c.mul(inGroups(c, c.dy()), c.unsqueeze(c.in(1), List.of(1)))
            : inGroups(c, c.mul(c.dy(), perChannel(c, c.in(1))));
    return c.reshapeLike(ofGroups(c).back(c, g), c.in(0));
  }

  private static Value groupedScale(GradientContext c) {
    Value h = ofGroups(c).h();
    return isScaledByGroup(c)
        ? c.sumAway(c.mul(inGroups(c, c.dy()), h), List.of(0, 2))
        : sumToChannels(c, c.mul(c.dy(), c.reshapeLike(h, c.in(0))));
  }

  private static Value groupedBias(GradientContext c) {
    return isScaledByGroup(c)
        ? c.sumAway(inGroups(c, c.dy()), List.of(0, 2))
        : sumToChannels(c, c.dy());
  }

  // ---- statistics that were found in training and are constants now ----

  private static Value inverseDeviation(GradientContext c) {
    boolean training =
        c.node().intAttribute("training_mode", 0) != 0 || c.node().outputs().size() > 1;
    if (training) {
      throw new NotDifferentiable(
          "%s takes its statistics from the batch; export the model for inference (model.eval() in PyTorch)"
              .formatted(c.node()));
    }
    return NormalizationGradients.inverseRoot(c, c.in(4));
  }

  private static Value frozenScale(GradientContext c) {
    Value centred = c.sub(c.in(0), perChannel(c, c.in(3)));
    return c.mul(sumToChannels(c, c.mul(c.dy(), centred)), inverseDeviation(c));
  }
}
