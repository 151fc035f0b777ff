package dev.banyan.graph.lowering;

import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * What a query may not see of later keys, as a number that is added to scores: 0 or {@link
 * #HIDDEN}. Nodes that work on the same sequence share it.
 *
 * @param window how many keys up to its own a query sees; 0 for all
 * @param copies how often the mask is repeated along its first axis
 */
record CausalMask(long window, long copies) {
  /** So low that nothing is left of it after a softmax, and no infinity that breeds NaN. */
  static final float HIDDEN = -Float.MAX_VALUE;

  /**
   * The mask, float {@code [copies * sequence, sequence]}.
   *
   * @param tokens {@code [batch, sequence, ..]}
   */
  Value of(LoweringContext c, Value tokens) {
    return c.shared(List.of(this, sequence(tokens)), () -> make(c.sharedBuilder(), tokens));
  }

  /** What two values have in common if they are known to be of one sequence. */
  static Object sequence(Value tokens) {
    return tokens
        .type()
        .<Object>map(type -> type.dim(1))
        .filter(dim -> !(dim instanceof Dim.Unknown))
        .orElse(tokens);
  }

  /**
   * The positions of a sequence from 0 on, int64 {@code [sequence]}.
   *
   * @param tokens {@code [batch, sequence, ..]}
   */
  static Value positions(GraphBuilder b, Value tokens) {
    Value length = b.op("Gather", b.op("Shape", tokens), b.scalar(1L));
    return b.op("Range", b.scalar(0L), length, b.scalar(1L));
  }

  private Value make(GraphBuilder b, Value tokens) {
    Value keys = positions(b, tokens);
    Value queries = b.op("Reshape", keys, b.longs(-1, 1));
    Value distance = b.op("Sub", queries, keys);
    Value hidden = b.op("Less", distance, b.scalar(0L));
    if (window > 0) {
      hidden = b.op("Or", hidden, b.op("Greater", distance, b.scalar(window - 1)));
    }
    Value mask = b.op("Where", hidden, b.scalar(HIDDEN), b.scalar(0f));
    Value[] repeated = new Value[Math.toIntExact(copies)];
    Arrays.fill(repeated, mask);
    return copies == 1 ? mask : b.op("Concat", Map.of("axis", Attribute.of(0L)), repeated);
  }
}
