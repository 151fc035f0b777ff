package dev.banyan.artifacts.onnx;

import dev.banyan.artifacts.integrity.AtomicFiles;
import dev.banyan.artifacts.integrity.MappedFile;
import dev.banyan.artifacts.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * Writes the data file that several ONNX models share: each tensor once, by name, aligned so that a
 * mapping of the file can be computed on directly.
 */
public final class ExternalDataWriter implements AutoCloseable {
  /** A cache line and the widest vector register: what kernels like their operands aligned to. */
  private static final long ALIGNMENT = 64;

  private static final long PIECE = 1L << 26;

  private final Path file;
  private final FileChannel channel;
  private final Map<String, ExternalLocation> places = new HashMap<>();
  private long end;

  /**
   * Starts a new file.
   *
   * @throws UncheckedIOException if the file exists already or cannot be made
   */
  public ExternalDataWriter(Path dataFile) {
    file = dataFile;
    try {
      channel = FileChannel.open(dataFile, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + dataFile, e);
    }
  }

  /**
   * Appends a tensor; one of a name that is there already is not written again.
   *
   * @throws IllegalArgumentException if the same name came before with another size
   * @throws UncheckedIOException if the disk fails
   */
  public ExternalLocation add(Tensor tensor) {
    ExternalLocation known = places.get(tensor.name());
    if (known != null) {
      if (known.length() != tensor.data().byteSize()) {
        throw new IllegalArgumentException(
            "Two tensors are named '%s': one of %d bytes, one of %d"
                .formatted(tensor.name(), known.length(), tensor.data().byteSize()));
      }
      return known;
    }
    long offset = Math.ceilDiv(end, ALIGNMENT) * ALIGNMENT;
    ExternalLocation place =
        new ExternalLocation(String.valueOf(file.getFileName()), offset, tensor.data().byteSize());
    append(tensor.data(), offset);
    places.put(tensor.name(), place);
    return place;
  }

  private void append(MemorySegment data, long offset) {
    try {
      channel.position(offset);
      for (long at = 0; at < data.byteSize(); at += PIECE) {
        long length = Math.min(PIECE, data.byteSize() - at);
        MemorySegment piece = data.asSlice(at, length);
        AtomicFiles.writeFully(channel, piece.asByteBuffer());
        MappedFile.release(piece);
      }
      end = offset + data.byteSize();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + file, e);
    }
  }

  /** Flushes the file to the disk. */
  @Override
  public void close() {
    try {
      if (channel.isOpen()) {
        channel.force(true);
        channel.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + file, e);
    }
  }
}
