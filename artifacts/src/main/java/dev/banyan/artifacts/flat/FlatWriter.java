package dev.banyan.artifacts.flat;

import com.google.flatbuffers.FlatBufferBuilder;
import dev.banyan.artifacts.integrity.AtomicFiles;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;

/**
 * Builds a FlatBuffer from its leaves to its root. Methods that return an {@code int} return the
 * offset that a table's field refers to.
 */
public final class FlatWriter {
  /** Room for tables and names beside the tensors' bytes. */
  private static final long MARGIN = 1L << 24;

  private final FlatBufferBuilder builder;

  /**
   * Starts a buffer for these tensors.
   *
   * @throws UnusableArtifact if they are too large for one file of this kind
   */
  public FlatWriter(Path target, Collection<Tensor> tensors) {
    long bytes = tensors.stream().mapToLong(tensor -> tensor.data().byteSize() + 512).sum();
    if (bytes > Integer.MAX_VALUE - MARGIN) {
      throw new UnusableArtifact(
          target.toString(),
          "would have %d bytes, and a FlatBuffers file stays below 2 GiB".formatted(bytes),
          "keep the frozen weights in the model instead");
    }
    builder = new FlatBufferBuilder((int) bytes + 1024);
  }

  /** The builder, for what only the format knows. */
  public FlatBufferBuilder builder() {
    return builder;
  }

  /** A text. */
  public int text(String text) {
    return builder.createString(text);
  }

  /** A shape: a vector of int64, also for a scalar. */
  public int shape(Shape shape) {
    builder.startVector(Long.BYTES, shape.rank(), Long.BYTES);
    for (int axis = shape.rank() - 1; axis >= 0; axis--) {
      builder.addLong(shape.dim(axis));
    }
    return builder.endVector();
  }

  /** A tensor's bytes, aligned to 8 so that a mapping of the file can be computed on. */
  public int bytes(MemorySegment data) {
    int length = Math.toIntExact(data.byteSize());
    MemorySegment.ofBuffer(builder.createUnintializedVector(1, length, Long.BYTES)).copyFrom(data);
    return builder.endVector();
  }

  /** A vector of tables. */
  public int tables(List<Integer> offsets) {
    return builder.createVectorOfTables(offsets.stream().mapToInt(Integer::intValue).toArray());
  }

  /** Writes the file atomically, with its root and its four letters. */
  public void finish(Path file, int root, String identifier) {
    builder.finish(root, identifier);
    AtomicFiles.write(file, channel -> AtomicFiles.writeFully(channel, builder.dataBuffer()));
  }
}
