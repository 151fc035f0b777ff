package dev.banyan.graph.adapter;

import static dev.banyan.graph.adapter.TextColumns.concat;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.adapter.Attention.Step;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Gives scores more columns in front: masks and biases get columns that leave a score as it is, but
 * for what is hidden of them. What layers share is made once.
 */
final class WiderScores {
  private final GraphBuilder builder;
  private final Value count;
  private final Optional<Value> hidden;
  private final Map<Key, Value> wider = new HashMap<>();
  private final Map<Value, Value> both = new HashMap<>();
  private Value allHidden = Value.NONE;

  /** What is put before the columns of a value. */
  private record Key(Value value, double neutral) {}

  /**
   * @param count how many columns, int64 {@code [1]}
   * @param hidden what is added to their scores, {@code [batch, 1, 1, count]}; nothing if empty
   */
  WiderScores(GraphBuilder builder, Value count, Optional<Value> hidden) {
    this.builder = builder;
    this.count = count;
    this.hidden = hidden;
  }

  /** Before the keys of a layer get more columns. */
  void widen(Attention layer) {
    Value keys = layer.product().input(1);
    keepShapes(layer);
    boolean hides = hidden.isEmpty();
    for (Step step : layer.steps()) {
      Node node = step.node();
      for (int i = 0; i < node.inputs().size(); i++) {
        Value other = node.input(i);
        if (i != step.input() && !other.isNone() && !Attention.isSingle(other) && isWide(other)) {
          Value more = wider(other, neutral(node, step.input(), i));
          if (!hides && node.op().is("Add")) {
            Value own = more;
            Value less = allHidden(keys);
            more = both.computeIfAbsent(other, _ -> builder.op("Add", own, less));
            hides = true;
          }
          node.replaceInput(i, more);
        }
      }
    }
    if (!hides) {
      Value scores = layer.softmax().input(0);
      Value less = builder.op("Add", scores, allHidden(keys));
      layer.softmax().replaceInput(0, scores.type().map(less::withType).orElse(less));
    }
  }

  /** A value of one column is the same for all. */
  private static boolean isWide(Value value) {
    return value.type().filter(type -> type.rank() > 0 && type.dim(-1).isKnownToBe(1)).isEmpty();
  }

  /** What leaves scores as they are. */
  private static double neutral(Node node, int scores, int other) {
    return switch (node.op().type()) {
      case "Mul", "Div" -> 1;
      // The condition chooses the scores.
      case "Where" -> other == 0 && scores == 1 ? 1 : 0;
      default -> 0;
    };
  }

  private Value wider(Value value, double neutral) {
    return wider.computeIfAbsent(
        new Key(value, neutral),
        _ -> {
          Value rows =
              builder.op(
                  "Slice",
                  builder.op("Shape", value),
                  builder.longs(0),
                  builder.longs(-1),
                  builder.longs(0));
          Value front =
              builder.op("ConstantOfShape", fill(value, neutral), concat(builder, rows, count));
          Value whole = builder.op("Concat", Map.of("axis", Attribute.of(-1L)), front, value);
          return value.type().map(whole::withType).orElse(whole);
        });
  }

  private static Map<String, Attribute> fill(Value value, double neutral) {
    DType type = value.constant().map(Tensor::type).orElseGet(() -> value.knownType().dtype());
    Tensor one =
        switch (type) {
          case FLOAT -> Tensor.ofFloats("one", Shape.of(1), (float) neutral);
          case BOOL ->
              new Tensor(
                  "one", type, Shape.of(1), MemorySegment.ofArray(new byte[] {(byte) neutral}));
          default -> throw new IllegalArgumentException("A mask of " + type + ": '" + value + "'");
        };
    return Map.of("value", new Attribute.Constant(one));
  }

  /** {@code [batch, 1, 1, count + keys]}: nothing for the text's own columns. */
  private Value allHidden(Value keys) {
    if (allHidden.isNone()) {
      Value sizes = builder.op("Shape", keys);
      Value texts = builder.op("Gather", sizes, builder.longs(0));
      Value length = builder.op("Gather", sizes, builder.longs(3));
      Value shape = concat(builder, texts, builder.longs(1, 1), length);
      Attribute zero = new Attribute.Constant(Tensor.ofFloats("zero", Shape.of(1), 0f));
      Value none = builder.op("ConstantOfShape", Map.of("value", zero), shape);
      allHidden =
          builder.op("Concat", Map.of("axis", Attribute.of(-1L)), hidden.orElseThrow(), none);
    }
    return allHidden;
  }

  /** Who asks scores for their shape, to spread a mask, wants that of the text's own. */
  private void keepShapes(Attention layer) {
    for (Value scores : layer.scores()) {
      for (Node user : List.copyOf(scores.users())) {
        if (user.op().is("Shape") && user.attributes().isEmpty()) {
          Value asked = user.output();
          List<Node> readers = List.copyOf(asked.users());
          Value own = builder.op("Sub", asked, concat(builder, builder.longs(0, 0, 0), count));
          readers.forEach(
              reader -> {
                for (int i = 0; i < reader.inputs().size(); i++) {
                  if (reader.input(i) == asked) {
                    reader.replaceInput(i, own);
                  }
                }
              });
        }
      }
    }
  }
}
