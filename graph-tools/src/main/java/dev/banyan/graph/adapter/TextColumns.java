package dev.banyan.graph.adapter;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import java.util.Map;
import java.util.Optional;

/**
 * In which columns of a batch texts stand: as they are given, or behind learned tokens. A graph
 * that is extended so computes on all columns; its users know the tokens they gave.
 */
public sealed interface TextColumns {
  /** What the base reads as token ids, int64 {@code [batch, columns]}. */
  Value ids();

  /** 1 for a column that counts and 0 for padding, int64 {@code [batch, columns]}. */
  Optional<Value> mask();

  /**
   * What belongs to the tokens of the texts.
   *
   * @param ofColumns {@code [batch, columns, n]}
   * @return {@code [batch, sequence, n]}
   */
  Value ofTexts(GraphBuilder builder, Value ofColumns);

  /**
   * Spreads what belongs to tokens over the columns; a learned token has what the first of its text
   * has.
   *
   * @param ofTexts int64 {@code [batch, sequence]}
   * @return int64 {@code [batch, columns]}
   */
  Value ofColumns(GraphBuilder builder, Value ofTexts);

  /**
   * The labels of the columns.
   *
   * @param labels int64 {@code [batch, sequence]}
   * @param ignored the label of what is not learned: learned tokens, and the one behind them
   */
  Value labels(GraphBuilder builder, Value labels, long ignored);

  /** The columns of a graph that has not been extended. */
  static TextColumns of(Graph graph) {
    return new AsGiven(
        graph.value("input_ids"), graph.find("attention_mask").filter(graph.inputs()::contains));
  }

  /** Texts begin in the first column. */
  record AsGiven(Value ids, Optional<Value> mask) implements TextColumns {
    @Override
    public Value ofTexts(GraphBuilder builder, Value ofColumns) {
      return ofColumns;
    }

    @Override
    public Value ofColumns(GraphBuilder builder, Value ofTexts) {
      return ofTexts;
    }

    @Override
    public Value labels(GraphBuilder builder, Value labels, long ignored) {
      return labels;
    }
  }

  /**
   * All texts stand behind as many learned tokens.
   *
   * @param places for each column the text's token there, int64 {@code [columns]}
   * @param count how many are learned, int64 {@code [1]}
   */
  record Alike(Value ids, Optional<Value> mask, Value places, Value count) implements TextColumns {
    @Override
    public Value ofTexts(GraphBuilder builder, Value ofColumns) {
      return builder.op("Slice", ofColumns, count, builder.longs(Long.MAX_VALUE), builder.longs(1));
    }

    @Override
    public Value ofColumns(GraphBuilder builder, Value ofTexts) {
      return builder.op("Gather", Map.of("axis", Attribute.of(1L)), ofTexts, places);
    }

    @Override
    public Value labels(GraphBuilder builder, Value labels, long ignored) {
      Value counted = builder.op("Greater", places, builder.scalar(0L));
      return builder.op("Where", counted, ofColumns(builder, labels), builder.scalar(ignored));
    }
  }

  /**
   * Each text stands behind as many learned tokens as its adapter has.
   *
   * @param places for each column the text's token there, or the nearest, int64 {@code [batch,
   *     columns]}
   * @param back for each token of a text its column, or the last, int64 {@code [batch, sequence]}
   */
  record ByText(Value ids, Optional<Value> mask, Value places, Value back) implements TextColumns {
    /** Rows are picked out of all rows of the batch, which copies each once. */
    @Override
    public Value ofTexts(GraphBuilder builder, Value ofColumns) {
      Value size = builder.op("Shape", ofColumns);
      Value columns = builder.op("Gather", size, builder.scalar(1L));
      Value texts = builder.op("Gather", size, builder.scalar(0L));
      Value starts = builder.op("Mul", range(builder, texts), columns);
      Value rows = builder.op("Add", back, builder.op("Reshape", starts, builder.longs(-1, 1)));
      Value width = builder.op("Gather", size, builder.longs(2));
      Value flat = builder.op("Reshape", ofColumns, concat(builder, builder.longs(-1), width));
      return builder.op("Gather", flat, rows);
    }

    @Override
    public Value ofColumns(GraphBuilder builder, Value ofTexts) {
      return builder.op("GatherElements", Map.of("axis", Attribute.of(1L)), ofTexts, places);
    }

    @Override
    public Value labels(GraphBuilder builder, Value labels, long ignored) {
      Value counted = builder.op("Greater", places, builder.scalar(0L));
      return builder.op("Where", counted, ofColumns(builder, labels), builder.scalar(ignored));
    }
  }

  /** {@code 0, 1, .., size - 1} of an int64 scalar. */
  static Value range(GraphBuilder builder, Value size) {
    return builder.op("Range", builder.scalar(0L), size, builder.scalar(1L));
  }

  /** One dimension of a value, an int64 scalar. */
  static Value size(GraphBuilder builder, Value value, long axis) {
    return builder.op("Gather", builder.op("Shape", value), builder.scalar(axis));
  }

  /** Vectors one behind the other. */
  static Value concat(GraphBuilder builder, Value... parts) {
    return builder.op("Concat", Map.of("axis", Attribute.of(0L)), parts);
  }

  /** An int64 value held between 0 and another, which no operator does in every operator set. */
  static Value within(GraphBuilder builder, Value value, Value most) {
    Value zero = builder.scalar(0L);
    Value atLeast = builder.op("Where", builder.op("Less", value, zero), zero, value);
    return builder.op("Where", builder.op("Less", atLeast, most), atLeast, most);
  }

  /** The largest of all elements, a scalar. */
  static Value largest(GraphBuilder builder, Value values) {
    return builder.op("ReduceMax", Map.of("keepdims", Attribute.of(0L)), values);
  }

  /** Truth as a number. */
  static Value number(GraphBuilder builder, Value truth) {
    return builder.op("Cast", Map.of("to", Attribute.of((long) DType.INT64.onnxCode())), truth);
  }
}
