package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.GradientRule.NO_GRADIENT;

import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Operators that move elements without changing them. */
public final class ShapeGradients {
  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped("Reshape", c -> c.reshapeLike(c.dy(), c.in(0)), NO_GRADIENT)
          .shaped("Flatten", c -> c.reshapeLike(c.dy(), c.in(0)))
          .shaped("Squeeze", ShapeGradients::squeeze, NO_GRADIENT)
          .shaped("Unsqueeze", ShapeGradients::unsqueeze, NO_GRADIENT)
          .shaped("Transpose", ShapeGradients::transpose)
          .shaped("Expand", ShapeGradients::expand, NO_GRADIENT)
          .shaped("Tile", ShapeGradients::tile, NO_GRADIENT)
          .variadicShaped("Concat", ShapeGradients::concat)
          .shaped("Split", ShapeGradients::split, NO_GRADIENT)
          .shaped("Trilu", ShapeGradients::trilu, NO_GRADIENT)
          .shaped("DepthToSpace", ShapeGradients::depthToSpace)
          .shaped("SpaceToDepth", c -> c.op("DepthToSpace", block(c), c.dy()))
          .nonDifferentiable("Shape", "Size", "ConstantOfShape", "Range", "EyeLike")
          .build();

  private ShapeGradients() {}

  private static Value squeeze(GradientContext c) {
    return c.axes(1, c.rank(c.in(0)))
        .map(axes -> c.unsqueeze(c.dy(), axes))
        .orElseGet(() -> c.reshapeLike(c.dy(), c.in(0)));
  }

  private static Value unsqueeze(GradientContext c) {
    return c.squeeze(c.dy(), c.axes(1, c.rank(c.out())).orElseThrow());
  }

  private static Value transpose(GradientContext c) {
    int rank = c.rank(c.in(0));
    Optional<List<Long>> permutation = c.node().intsAttribute("perm");
    int[] inverse = new int[rank];
    for (int i = 0; i < rank; i++) {
      int from = permutation.isPresent() ? Math.toIntExact(permutation.get().get(i)) : rank - 1 - i;
      inverse[from] = i;
    }
    return c.transpose(c.dy(), inverse);
  }

  private static Value expand(GradientContext c) {
    List<Dim> output = c.type(c.out()).dims();
    // The shape that it was expanded to is known only as far as the output's dimensions are.
    Broadcast broadcast = Broadcast.of(c.type(c.in(0)).dims(), List.of(output), output);
    return c.sumTo(c.dy(), broadcast, c.in(0));
  }

  /** Splits each axis in (repeat, size) and sums over the repeats. */
  private static Value tile(GradientContext c) {
    int rank = c.rank(c.in(0));
    List<Value> sizes = new ArrayList<>();
    List<Integer> repeats = new ArrayList<>();
    for (int axis = 0; axis < rank; axis++) {
      repeats.add(sizes.size());
      sizes.add(c.elementOf(c.in(1), axis));
      sizes.add(c.dimOf(c.in(0), axis));
    }
    return c.sumAway(c.reshape(c.dy(), c.concat(sizes)), repeats);
  }

  private static Value concat(GradientContext c, int index) {
    int axis = c.axisAttribute(c.out(), "axis", 0);
    Value start = c.longs(0);
    for (int i = 0; i < index; i++) {
      start = c.plus(start, c.dimOf(c.in(i), axis));
    }
    Value end = c.plus(start, c.dimOf(c.in(index), axis));
    return c.op("Slice", c.dy(), start, end, c.longs(axis));
  }

  private static Value split(GradientContext c) {
    int axis = c.axisAttribute(c.in(0), "axis", 0);
    Value[] parts =
        IntStream.range(0, c.node().outputs().size())
            .mapToObj(i -> c.dy(i).orElseGet(() -> c.zerosLike(c.node().output(i))))
            .toArray(Value[]::new);
    return parts.length == 1
        ? parts[0]
        : c.op("Concat", Map.of("axis", Attribute.of((long) axis)), parts);
  }

  private static Value trilu(GradientContext c) {
    Map<String, Attribute> upper = Map.of("upper", Attribute.of(c.node().intAttribute("upper", 1)));
    return c.in(1).isNone() ? c.op("Trilu", upper, c.dy()) : c.op("Trilu", upper, c.dy(), c.in(1));
  }

  private static Map<String, Attribute> block(GradientContext c) {
    return Map.of("blocksize", Attribute.of(c.node().intAttribute("blocksize", 1)));
  }

  private static Value depthToSpace(GradientContext c) {
    if (c.node().textAttribute("mode", "DCR").equals("DCR")) {
      return c.op("SpaceToDepth", block(c), c.dy());
    }
    // [batch, channel, row, row of block, column, column of block] came from another order.
    Value block = c.longs(c.node().intAttribute("blocksize", 1));
    Value rows = c.dimOf(c.in(0), 2);
    Value columns = c.dimOf(c.in(0), 3);
    List<Value> sizes =
        List.of(c.dimOf(c.in(0), 0), c.dimOf(c.out(), 1), rows, block, columns, block);
    Value turned = c.transpose(c.reshape(c.dy(), c.concat(sizes)), 0, 1, 3, 5, 2, 4);
    return c.reshapeLike(turned, c.in(0));
  }
}
