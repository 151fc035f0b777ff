package dev.banyan.graph.adapter;

import static dev.banyan.graph.adapter.TextColumns.concat;
import static dev.banyan.graph.adapter.TextColumns.largest;
import static dev.banyan.graph.adapter.TextColumns.range;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A prefix in one graph. Learned keys and values stand before those of the text in every attention,
 * so that scores get as many columns more; masks get columns that hide nothing, and queries stay
 * those of the text.
 *
 * @param layers its attentions
 * @param positions where it reads positions
 * @param parameter {@code [tokens, 2 layers, heads, head size]}: keys at even places, values behind
 */
record PrefixPlace(List<Attention> layers, Positions positions, ParameterSpec parameter)
    implements ModelMethod.Place {
  /** So low that nothing is left of it after a softmax, and no infinity that breeds NaN. */
  private static final float HIDDEN = -Float.MAX_VALUE;

  /** Keys {@code [.., heads, size, tokens]} and values {@code [.., heads, tokens, size]}. */
  private record Learned(Value keys, Value values) {}

  @Override
  public TextColumns train(GraphBuilder builder, TextColumns columns, Value prefix) {
    Value count = builder.op("Gather", builder.op("Shape", prefix), builder.longs(0));
    Value texts = builder.op("Gather", builder.op("Shape", columns.ids()), builder.longs(0));
    positions.shift(builder, count);
    WiderScores scores = new WiderScores(builder, count, Optional.empty());
    for (int i = 0; i < layers.size(); i++) {
      Value keys = part(builder, prefix, 2 * i, 1);
      Value values = part(builder, prefix, 2 * i + 1, 1);
      insert(
          builder,
          layers.get(i),
          new Learned(
              forAll(builder, transposed(builder, keys, 1, 2, 0), texts),
              forAll(builder, transposed(builder, values, 1, 0, 2), texts)),
          scores);
    }
    return columns;
  }

  @Override
  public TextColumns serve(GraphBuilder builder, TextColumns columns, ModelMethod.Bank bank) {
    Value counts = bank.ofEachText(builder);
    Value most = largest(builder, counts);
    Value count = builder.op("Reshape", most, builder.longs(1));
    Value rows = bank.ofTexts(builder, most);
    // [batch, 1, 1, most], of which nothing may be left: a reshape would not do.
    Value each = builder.op("Reshape", counts, builder.longs(-1, 1, 1, 1));
    Value has = builder.op("Less", range(builder, most), each);
    Value hidden = builder.op("Where", has, builder.scalar(0f), builder.scalar(HIDDEN));
    positions.shiftEach(builder, counts);
    WiderScores scores = new WiderScores(builder, count, Optional.of(hidden));
    for (int i = 0; i < layers.size(); i++) {
      Value keys = part(builder, rows, 2 * i, 2);
      Value values = part(builder, rows, 2 * i + 1, 2);
      insert(
          builder,
          layers.get(i),
          new Learned(
              transposed(builder, keys, 0, 2, 3, 1), transposed(builder, values, 0, 2, 1, 3)),
          scores);
    }
    return columns;
  }

  /**
   * The keys or the values of a layer, for each head of queries.
   *
   * @param place which of the {@code 2 layers}
   * @param axis where those are; the heads are behind, and take its place
   */
  private Value part(GraphBuilder builder, Value of, int place, long axis) {
    Map<String, Attribute> at = Map.of("axis", Attribute.of(axis));
    Value part = builder.op("Gather", at, of, builder.scalar((long) place));
    Attention layer = layers.get(place / 2);
    if (layer.copies() == 1) {
      return part;
    }
    long[] heads = new long[Math.toIntExact(layer.keyHeads() * layer.copies())];
    Arrays.setAll(heads, head -> head / layer.copies());
    return builder.op("Gather", at, part, builder.longs(heads));
  }

  private static Value transposed(GraphBuilder builder, Value value, long... order) {
    return builder.op("Transpose", Map.of("perm", Attribute.ints(order)), value);
  }

  /** The same for each text. */
  private static Value forAll(GraphBuilder builder, Value value, Value texts) {
    return builder.op("Expand", value, concat(builder, texts, builder.op("Shape", value)));
  }

  private void insert(GraphBuilder builder, Attention layer, Learned learned, WiderScores scores) {
    Value keys = learned.keys();
    for (Attention.Step scale : layer.scales()) {
      Value by = scale.node().input(1 - scale.input());
      keys =
          scale.input() == 0
              ? builder.op(scale.node().op().type(), keys, by)
              : builder.op(scale.node().op().type(), by, keys);
    }
    Value ownKeys = layer.product().input(1);
    Value ownValues = layer.context().input(1);
    scores.widen(layer);
    layer.product().replaceInput(1, beside(builder, 3, keys, ownKeys));
    layer.context().replaceInput(1, beside(builder, 2, learned.values(), ownValues));
  }

  private static Value beside(GraphBuilder builder, long axis, Value learned, Value own) {
    return builder
        .op("Concat", Map.of("axis", Attribute.of(axis)), learned, own)
        .withType(own.knownType());
  }
}
