package dev.banyan.artifacts.safetensors;

import dev.banyan.artifacts.integrity.AtomicFiles;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.MappedFile;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Tensor;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Tensors by name with a little metadata.
 *
 * <p>What damage is found: in any file, a wrong header (length, JSON, types, shapes) and tensors
 * that overlap, leave gaps or do not fill the file exactly. The format has no checksum and no
 * version; so files written here carry one in their metadata, {@value #DIGEST}, over the whole
 * header and all tensors, and in these every flipped bit is found. It is checked and taken out on
 * reading.
 *
 * <pre>
 * bytes 0..7   length N of the header, little-endian
 * N bytes      {"__metadata__": {..}, "name": {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, ..}
 * the rest     the tensors, offsets counted from here
 * </pre>
 *
 * @param metadata texts by key, in the file's order
 * @param tensors tensors by name, in the file's order
 */
public record SafetensorsFile(Map<String, String> metadata, Map<String, Tensor> tensors) {
  /** The metadata key of the digest. */
  static final String DIGEST = "banyan.tensors";

  private static final long PIECE = 1L << 26;

  /**
   * Copies the maps, keeping their order.
   *
   * @throws IllegalArgumentException if a tensor's own name is not its key
   */
  public SafetensorsFile {
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    tensors.forEach(
        (name, tensor) -> {
          if (!tensor.name().equals(name)) {
            throw new IllegalArgumentException(
                "Tensor '%s' is listed as '%s'".formatted(tensor.name(), name));
          }
        });
  }

  /** The tensor of this name, if the file has it. */
  public Optional<Tensor> tensor(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /**
   * Maps a file; the tensors are views of it.
   *
   * @throws CorruptArtifact if it is damaged
   * @throws UnusableArtifact if there is no such file, or a tensor has a type that Banyan has no
   *     use for
   */
  public static SafetensorsFile read(Path file) {
    return parse(file.toString(), MappedFile.map(file));
  }

  /**
   * Reads a file's bytes; the tensors are views of them.
   *
   * @param artifact the file's name for messages
   * @throws CorruptArtifact if they are damaged
   * @throws UnusableArtifact if a tensor has a type that Banyan has no use for
   */
  public static SafetensorsFile parse(String artifact, MemorySegment bytes) {
    return new SafetensorsReader(artifact, bytes).read();
  }

  /**
   * Writes the file atomically: tensors in the map's order, so equal contents give equal bytes.
   *
   * @throws UncheckedIOException if the disk fails
   */
  public void write(Path file) {
    byte[] header = SafetensorsHeader.of(this);
    ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    length.putLong(0, header.length);
    AtomicFiles.write(
        file,
        channel -> {
          AtomicFiles.writeFully(channel, length);
          AtomicFiles.writeFully(channel, ByteBuffer.wrap(header));
          for (Tensor tensor : tensors.values()) {
            MemorySegment data = tensor.data();
            for (long at = 0; at < data.byteSize(); at += PIECE) {
              long piece = Math.min(PIECE, data.byteSize() - at);
              AtomicFiles.writeFully(channel, data.asSlice(at, piece).asByteBuffer());
            }
          }
        });
  }
}
