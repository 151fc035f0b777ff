package dev.banyan.graph.io;

import dev.banyan.artifacts.integrity.MappedFile;
import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.onnx.ExternalLocation;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Tensors that are kept in a file while a graph is rewritten, so that they need no memory: written
 * one after the other, and views of the file once all are there.
 */
public final class TensorFile implements AutoCloseable {
  private final Path file;
  private final ExternalDataWriter writer;
  private @Nullable MemorySegment data;

  /** Starts a new file. */
  public TensorFile(Path file) {
    this.file = file;
    this.writer = new ExternalDataWriter(file);
  }

  /** A tensor in the file. */
  public record Kept(String name, DType type, Shape shape, ExternalLocation place) {}

  /**
   * Writes a tensor.
   *
   * @param name one that no other tensor of this file has
   */
  public Kept add(String name, Tensor tensor) {
    return new Kept(name, tensor.type(), tensor.shape(), writer.add(tensor.named(name)));
  }

  /** A view of a tensor; nothing can be added after that. */
  public Tensor view(Kept kept) {
    MemorySegment whole = data;
    if (whole == null) {
      writer.close();
      whole = MappedFile.map(file);
      data = whole;
    }
    return new Tensor(
        kept.name(),
        kept.type(),
        kept.shape(),
        whole.asSlice(kept.place().offset(), kept.place().length()));
  }

  /** Ends writing; views stay. */
  @Override
  public void close() {
    writer.close();
  }
}
