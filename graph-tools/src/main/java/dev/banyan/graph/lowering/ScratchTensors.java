package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Room for weights that a rewriting makes: mapped from temporary files, so that a model whose
 * weights are all made anew needs neither heap nor more memory than the system gives its files. The
 * room goes when nothing uses it any more.
 */
public final class ScratchTensors {
  /** Below this size a file costs more than it saves. */
  private static final long ON_HEAP = 1 << 16;

  private ScratchTensors() {}

  /** A tensor of zeros to be filled. */
  @SuppressWarnings("MustBeClosedChecker") // The garbage collector unmaps what it hands out.
  public static Tensor zeros(String name, DType type, Shape shape) {
    long bytes = type.bytes(shape.elements());
    if (bytes < ON_HEAP) {
      return new Tensor(name, type, shape, MemorySegment.ofArray(new byte[(int) bytes]));
    }
    try {
      Path file = Files.createTempFile("banyan-weights-", ".tmp");
      try (FileChannel channel =
          FileChannel.open(
              file,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE)) {
        MemorySegment data = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, Arena.ofAuto());
        return new Tensor(name, type, shape, data);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "Cannot make a temporary file of %d bytes for '%s'".formatted(bytes, name), e);
    }
  }
}
