package dev.banyan.runtime.ort;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Owns the tensors of one step or request: all of them are released when it closes.
 *
 * <p>A scope that copies elements belongs to one thread; one that only views memory of the caller
 * may be closed by another.
 */
public final class TensorScope implements AutoCloseable {
  private final OrtEnvironment environment = OrtRuntime.environment();
  private @Nullable Arena arena;
  private final List<OnnxTensor> tensors = new ArrayList<>();
  private boolean closed;

  /** An empty scope. */
  public TensorScope() {}

  /**
   * An int64 tensor of these elements, which are copied once.
   *
   * @param dims dimensions; none for a scalar
   */
  public NativeTensor longs(long[] values, long... dims) {
    return view(copies().allocateFrom(ValueLayout.JAVA_LONG, values), DType.INT64, Shape.of(dims));
  }

  /**
   * A float tensor of these elements, which are copied once.
   *
   * @param dims dimensions; none for a scalar
   */
  public NativeTensor floats(float[] values, long... dims) {
    return view(copies().allocateFrom(ValueLayout.JAVA_FLOAT, values), DType.FLOAT, Shape.of(dims));
  }

  /**
   * A tensor over memory of the caller, which is not copied: what is written there is what the next
   * run reads, and what a graph updates in place shows there. The memory must outlive the scope.
   *
   * @param data native memory of exactly the tensor's size, in this machine's byte order
   * @throws IllegalArgumentException if the memory is on the heap, of another size, or above the 2
   *     GiB that ORT's Java API can address
   */
  public NativeTensor view(MemorySegment data, DType type, Shape shape) {
    requireOpen();
    long bytes = type.bytes(shape.elements());
    if (!data.isNative() || data.byteSize() != bytes || bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "%s%s needs %d bytes of native memory (at most 2 GiB) and was given %d bytes %s"
              .formatted(
                  type,
                  shape,
                  bytes,
                  data.byteSize(),
                  data.isNative() ? "of native memory" : "on the heap"));
    }
    try {
      OnnxTensor tensor =
          OnnxTensor.createTensor(
              environment,
              data.asByteBuffer().order(ByteOrder.nativeOrder()),
              shape.toArray(),
              ElementType.of(type));
      tensors.add(tensor);
      return new NativeTensor(tensor, type, shape);
    } catch (OrtException e) {
      throw new OrtFailure.RunFailed("A tensor of " + type + shape + " cannot be made", e);
    }
  }

  /** Memory of zeros that is released with this scope, for a {@link #view}. */
  public MemorySegment memory(long bytes) {
    return copies().allocate(bytes, Float.BYTES);
  }

  @SuppressWarnings("MustBeClosedChecker") // close() closes it.
  private Arena copies() {
    requireOpen();
    Arena current = arena;
    if (current == null) {
      current = Arena.ofConfined();
      arena = current;
    }
    return current;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("The scope is closed");
    }
  }

  /** Releases every tensor of this scope; closing twice does nothing. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    tensors.forEach(OnnxTensor::close);
    if (arena != null) {
      arena.close();
    }
  }
}
