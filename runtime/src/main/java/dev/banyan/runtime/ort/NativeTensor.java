package dev.banyan.runtime.ort;

import ai.onnxruntime.OnnxTensor;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;

/**
 * A tensor ready to be fed to a session. It is made by a {@link TensorScope} and ends with it; the
 * elements lie in memory outside the heap and are not copied when it is fed.
 */
public final class NativeTensor {
  private final OnnxTensor value;
  private final DType type;
  private final Shape shape;

  NativeTensor(OnnxTensor value, DType type, Shape shape) {
    this.value = value;
    this.type = type;
    this.shape = shape;
  }

  /** Element type. */
  public DType type() {
    return type;
  }

  /** Dimensions. */
  public Shape shape() {
    return shape;
  }

  /**
   * A copy of the elements, row-major.
   *
   * @throws IllegalStateException if it is not an int64 tensor
   */
  public long[] longs() {
    LongBuffer buffer = value.getLongBuffer();
    if (buffer == null) {
      throw new IllegalStateException(this + " is not an int64 tensor");
    }
    long[] values = new long[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  /**
   * A copy of the elements, row-major.
   *
   * @throws IllegalStateException if it is not a float tensor
   */
  public float[] floats() {
    FloatBuffer buffer = value.getFloatBuffer();
    if (buffer == null) {
      throw new IllegalStateException(this + " is not a float tensor");
    }
    float[] values = new float[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  OnnxTensor value() {
    return value;
  }

  @Override
  public String toString() {
    return type + shape.toString();
  }
}
