package dev.banyan.artifacts.adapter;

import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.Arrays;

/**
 * A tensor that is zero nearly everywhere, as an adapter's file has it.
 *
 * @param indices int64 {@code [n]}, ascending: places in the tensor, counted row by row
 * @param deltas float {@code [n]}: what is there
 */
public record SparseTensor(Tensor indices, Tensor deltas) {
  /** How the key of the values ends. */
  public static final String DELTAS = ".sparse_deltas";

  /** How the key of the places ends. */
  public static final String INDICES = ".sparse_indices";

  /** Whether a tensor of a file is places: whole numbers, which no precision is about. */
  public static boolean isIndices(String name) {
    return name.endsWith(INDICES);
  }

  /** Whether a key is that of the values of a sparse tensor. */
  public static boolean isDeltas(String name) {
    return name.endsWith(DELTAS);
  }

  /** The key of the places that belong to values. */
  public static String indicesOf(String deltas) {
    return deltas.substring(0, deltas.length() - DELTAS.length()) + INDICES;
  }

  /**
   * What of a tensor is not zero. A zero with a sign is kept, so that the same bits come back.
   *
   * @param whole float, under the key of its values
   */
  public static SparseTensor of(Tensor whole) {
    float[] values = whole.floats();
    long[] indices = new long[values.length];
    float[] deltas = new float[values.length];
    int count = 0;
    for (int i = 0; i < values.length; i++) {
      if (Float.floatToRawIntBits(values[i]) != 0) {
        indices[count] = i;
        deltas[count++] = values[i];
      }
    }
    Shape shape = Shape.of((long) count);
    return new SparseTensor(
        Tensor.ofLongs(indicesOf(whole.name()), shape, Arrays.copyOf(indices, count)),
        Tensor.ofFloats(whole.name(), shape, Arrays.copyOf(deltas, count)));
  }

  /**
   * The whole tensor.
   *
   * @throws UnusableArtifact if the places are not those of such a tensor
   */
  public Tensor whole(Shape shape) {
    if (indices.type() != DType.INT64
        || deltas.shape().rank() != 1
        || !indices.shape().equals(deltas.shape())) {
      throw unusable(
          "is %s %s, and '%s' is %s; expected whole numbers (INT64), one for each value"
              .formatted(indices.type(), indices.shape(), deltas.name(), deltas.shape()));
    }
    long[] places = indices.longs();
    float[] values = deltas.floats();
    float[] whole = new float[Math.toIntExact(shape.elements())];
    long before = -1;
    for (int i = 0; i < places.length; i++) {
      if (places[i] <= before || places[i] >= whole.length) {
        throw unusable(
            "has %d behind %d; expected ascending places below %d, as the layer's weight is %s"
                .formatted(places[i], before, whole.length, shape));
      }
      before = places[i];
      whole[Math.toIntExact(before)] = values[i];
    }
    return Tensor.ofFloats(deltas.name(), shape, whole);
  }

  private UnusableArtifact unusable(String seen) {
    return new UnusableArtifact(
        "adapter",
        "'%s' %s".formatted(indices.name(), seen),
        "get the adapter again from where it was made, or use the bundle of its own base");
  }
}
