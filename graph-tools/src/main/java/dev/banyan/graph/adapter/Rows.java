package dev.banyan.graph.adapter;

import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.Map;

/**
 * A value with the rows of each text apart, so that each text can have numbers of its own.
 *
 * @param builder where nodes are added
 * @param value {@code [batch, sequence, n]}
 * @param flat whether it was {@code [rows, n]}, with the rows of a text next to each other
 */
record Rows(GraphBuilder builder, Value value, boolean flat) {
  /**
   * Takes the rows apart if they are not.
   *
   * @param of {@code [batch, sequence, n]} or {@code [rows, n]}, with a type
   * @param adapterIds int64 {@code [batch]}
   */
  static Rows of(GraphBuilder builder, Value of, Value adapterIds) {
    TensorType type = of.knownType();
    if (type.rank() == 3) {
      return new Rows(builder, of, false);
    }
    if (type.rank() != 2 || !(type.dim(-1) instanceof Dim.Known(long width))) {
      throw new UnusableModel(
          "'%s' %s is not [rows, n] or [batch, sequence, n], so its texts cannot have weights of their own"
              .formatted(of, type));
    }
    Value shape =
        builder.op(
            "Concat",
            Map.of("axis", Attribute.of(0L)),
            builder.op("Shape", adapterIds),
            builder.longs(-1, width));
    return new Rows(builder, builder.op("Reshape", of, shape), true);
  }

  /** Numbers of each text, {@code [batch, n]}, for all of its rows. */
  Value spread(Value ofEachText) {
    return builder.op("Reshape", ofEachText, builder.longs(0, 1, -1));
  }

  /** A result in the form that the value had. */
  Value back(Value result, long width) {
    return flat ? builder.op("Reshape", result, builder.longs(-1, width)) : result;
  }
}
