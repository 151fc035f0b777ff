package dev.banyan.graph.blockwise;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The magnitudes of a matrix of codes, quantized again (QLoRA's double quantization, Dettmers et
 * al., 2023, section 3): their distances from their mean, in 8 bits with a scale for each group.
 * bitsandbytes does the same with a table of its own in the place of whole numbers.
 *
 * @param numbers int8 {@code [groups, members]}
 * @param scales float {@code [groups]}
 * @param mean float, a scalar
 */
public record SmallMagnitudes(Tensor numbers, Tensor scales, Tensor mean) {
  /** ONNX Runtime's own: in older operator sets ONNX's has no axis. */
  private static final OpId RESTORE = OpId.microsoft("DequantizeLinear");

  /** As in bitsandbytes, or the next smaller number that divides the blocks into equal groups. */
  private static final int MOST_MEMBERS = 256;

  private static final int FEWEST_MEMBERS = 32;
  private static final int GREATEST_NUMBER = 127;

  /** Quantizes magnitudes; empty if there are too few, or no way to make equal groups of them. */
  public static Optional<SmallMagnitudes> of(Tensor magnitudes) {
    float[] values = magnitudes.floats();
    int members = Math.min(MOST_MEMBERS, values.length);
    while (members >= FEWEST_MEMBERS && values.length % members != 0) {
      members--;
    }
    return members < FEWEST_MEMBERS
        ? Optional.empty()
        : Optional.of(of(magnitudes.name(), values, members));
  }

  private static SmallMagnitudes of(String name, float[] values, int members) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    float mean = (float) (sum / values.length);
    byte[] numbers = new byte[values.length];
    float[] scales = new float[values.length / members];
    for (int group = 0; group < scales.length; group++) {
      float furthest = 0;
      for (int i = group * members; i < (group + 1) * members; i++) {
        furthest = Math.max(furthest, Math.abs(values[i] - mean));
      }
      scales[group] = furthest / GREATEST_NUMBER;
      for (int i = group * members; i < (group + 1) * members; i++) {
        double number = furthest == 0 ? 0 : ((double) values[i] - mean) / scales[group];
        numbers[i] = (byte) Math.clamp(Math.round(number), -GREATEST_NUMBER, GREATEST_NUMBER);
      }
    }
    Shape shape = Shape.of(scales.length, members);
    return new SmallMagnitudes(
        new Tensor(name, DType.INT8, shape, MemorySegment.ofArray(numbers)),
        Tensor.ofFloats(name + "/scales", Shape.of(scales.length), scales),
        Tensor.ofFloats(name + "/mean", Shape.SCALAR, mean));
  }

  /** What is stored. */
  public List<Tensor> tensors() {
    return List.of(numbers, scales, mean);
  }

  /** The magnitudes in float, computed as the graph does. */
  public Tensor restored() {
    float[] steps = scales.floats();
    float offset = mean.floats()[0];
    float[] values = new float[Math.toIntExact(numbers.shape().elements())];
    long members = numbers.shape().dim(1);
    for (int i = 0; i < values.length; i++) {
      float apart = numbers.data().get(ValueLayout.JAVA_BYTE, i) * steps[(int) (i / members)];
      values[i] = apart + offset;
    }
    return Tensor.ofFloats(numbers.name(), Shape.of(values.length), values);
  }

  /**
   * Adds the nodes that restore magnitudes each time the graph runs.
   *
   * @param stored constants for {@link #tensors}
   * @return float {@code [blocks]}
   */
  public static Value restore(GraphBuilder builder, List<Value> stored) {
    Value apart =
        builder.op(RESTORE, Map.of("axis", Attribute.of(0L)), stored.get(0), stored.get(1));
    return builder.op("Reshape", builder.op("Add", apart, stored.get(2)), builder.longs(-1));
  }

  /** What {@link #restore} was given to make this value; empty if it was made otherwise. */
  public static Optional<SmallMagnitudes> behind(Value magnitudes) {
    Optional<Node> sum =
        magnitudes
            .producer()
            .filter(node -> node.op().is("Reshape"))
            .flatMap(node -> node.input(0).producer())
            .filter(node -> node.op().is("Add") && node.input(1).isConstant());
    return sum.flatMap(node -> node.input(0).producer())
        .filter(node -> node.op().equals(RESTORE) && node.input(0).isConstant())
        .filter(node -> node.input(1).isConstant() && node.input(2).isNone())
        .map(
            node ->
                new SmallMagnitudes(
                    node.input(0).constant().orElseThrow(),
                    node.input(1).constant().orElseThrow(),
                    sum.orElseThrow().input(1).constant().orElseThrow()));
  }
}
