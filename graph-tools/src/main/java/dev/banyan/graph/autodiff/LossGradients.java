package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.GradientRule.NO_GRADIENT;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Losses. Scores are {@code [batch, classes, ...]}, labels {@code [batch, ...]}. */
public final class LossGradients {
  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped("SoftmaxCrossEntropyLoss", LossGradients::crossEntropy, NO_GRADIENT, NO_GRADIENT)
          .shaped(
              "NegativeLogLikelihoodLoss",
              c -> scaled(c, c.neg(isLabel(c))),
              NO_GRADIENT,
              NO_GRADIENT)
          .build();

  private LossGradients() {}

  /** (softmax(scores) - 1 at the label) times what the loss counts each row. */
  private static Value crossEntropy(GradientContext c) {
    Value logProbabilities = c.extraOut(1).withType(c.type(c.in(0)));
    return scaled(c, c.sub(c.op("Exp", logProbabilities), isLabel(c)));
  }

  /** 1 at the label's class and 0 at the others, shaped like the scores. */
  private static Value isLabel(GradientContext c) {
    Value classes =
        c.op("Range", c.whole(0), c.squeeze(c.dimOf(c.in(0), 1), List.of(0)), c.whole(1));
    List<Integer> behind = new ArrayList<>();
    for (int axis = 2; axis < c.rank(c.in(0)); axis++) {
      behind.add(axis - 1);
    }
    Value column = c.unsqueeze(labels(c), List.of(1));
    return c.cast(c.op("Equal", column, c.unsqueeze(classes, behind)), c.dtype());
  }

  private static Value scaled(GradientContext c, Value gradient) {
    Optional<Value> weights = weights(c);
    Value scale = c.dy();
    if (c.node().textAttribute("reduction", "mean").equals("mean")) {
      Value total = weights.map(w -> sumAll(c, w)).orElseGet(() -> rows(c));
      scale = c.div(scale, total);
    }
    if (weights.isPresent()) {
      scale = c.mul(scale, weights.get());
    }
    boolean perRow =
        weights.isPresent() || c.node().textAttribute("reduction", "mean").equals("none");
    return c.mul(gradient, perRow ? c.unsqueeze(scale, List.of(1)) : scale);
  }

  /** What each label counts; empty if all count 1. */
  private static Optional<Value> weights(GradientContext c) {
    Optional<Value> counted = Optional.empty();
    Value labels = labels(c);
    if (c.node().attribute("ignore_index").orElse(null) instanceof Attribute.Int(long ignored)) {
      Value isIgnored = c.op("Equal", labels, c.whole(ignored));
      counted = Optional.of(c.cast(c.op("Not", isIgnored), c.dtype()));
      labels = c.where(isIgnored, c.whole(0), labels);
    }
    if (c.in(2).isNone()) {
      return counted;
    }
    Value ofClass = c.op("Gather", c.in(2), labels);
    return Optional.of(counted.map(w -> c.mul(ofClass, w)).orElse(ofClass));
  }

  private static Value labels(GradientContext c) {
    return c.type(c.in(1)).dtype() == DType.INT64 ? c.in(1) : c.cast(c.in(1), DType.INT64);
  }

  private static Value rows(GradientContext c) {
    return c.type(c.in(1))
        .shape()
        .map(shape -> c.number((double) shape.elements()))
        .orElseGet(() -> c.cast(c.op("Size", c.in(1)), c.dtype()));
  }

  private static Value sumAll(GradientContext c, Value value) {
    List<Integer> axes = new ArrayList<>();
    for (int axis = 0; axis < c.rank(c.in(1)); axis++) {
      axes.add(axis);
    }
    return c.sumAway(value, axes);
  }
}
