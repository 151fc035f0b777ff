package dev.banyan.runtime.ort;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtSession;
import dev.banyan.artifacts.tensor.Shape;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.List;

/** What one run gave, by output name, until it is closed. */
public final class OutputTensors implements AutoCloseable {
  private final OrtSession.Result result;
  private boolean closed;

  OutputTensors(OrtSession.Result result) {
    this.result = result;
  }

  /** The names of the outputs, in the graph's order. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    result.forEach(output -> names.add(output.getKey()));
    return names;
  }

  /**
   * The dimensions of an output.
   *
   * @throws IllegalArgumentException if the run gave no such tensor
   */
  public Shape shape(String name) {
    return Shape.of(tensor(name).getInfo().getShape());
  }

  /**
   * The elements of a float output in a fresh array, row-major.
   *
   * @throws IllegalArgumentException if the run gave no such float tensor
   */
  public float[] floats(String name) {
    FloatBuffer buffer = tensor(name).getFloatBuffer();
    if (buffer == null) {
      throw new IllegalArgumentException("Output '" + name + "' is not a float tensor");
    }
    float[] values = new float[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  /**
   * The elements of a double output in a fresh array, row-major.
   *
   * @throws IllegalArgumentException if the run gave no such double tensor
   */
  public double[] doubles(String name) {
    DoubleBuffer buffer = tensor(name).getDoubleBuffer();
    if (buffer == null) {
      throw new IllegalArgumentException("Output '" + name + "' is not a double tensor");
    }
    double[] values = new double[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  /**
   * The only element of a float output.
   *
   * @throws IllegalArgumentException if the output is not one float
   */
  public float scalar(String name) {
    float[] values = floats(name);
    if (values.length != 1) {
      throw new IllegalArgumentException(
          "Output '%s' has %d elements, not one".formatted(name, values.length));
    }
    return values[0];
  }

  /**
   * The elements of an int64 output in a fresh array, row-major.
   *
   * @throws IllegalArgumentException if the run gave no such int64 tensor
   */
  public long[] longs(String name) {
    LongBuffer buffer = tensor(name).getLongBuffer();
    if (buffer == null) {
      throw new IllegalArgumentException("Output '" + name + "' is not an int64 tensor");
    }
    long[] values = new long[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  private OnnxTensor tensor(String name) {
    OnnxValue value = result.get(name).orElse(null);
    if (value instanceof OnnxTensor tensor) {
      return tensor;
    }
    throw new IllegalArgumentException("The run gave no tensor named '" + name + "'");
  }

  /** Releases the outputs; closing twice does nothing. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      result.close();
    }
  }
}
