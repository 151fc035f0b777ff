package dev.banyan.graph.types;

import dev.banyan.artifacts.onnx.ExternalLocation;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.io.OnnxWriter.WeightPlacement;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * Zeros in the place of big weights: shapes do not depend on them. All weights are the same stretch
 * of one file with a hole in it, so that a model of any size takes no room on the disk, and in
 * memory no more than its largest weight.
 */
final class ZeroWeights implements WeightPlacement {
  private static final long BIG = 1L << 20;

  private final Path file;
  private final WeightPlacement small;
  private long bytes;

  /**
   * @param file to be made by {@link #finish}
   * @param small where other constants go
   */
  ZeroWeights(Path file, WeightPlacement small) {
    this.file = file;
    this.small = small;
  }

  @Override
  public Optional<ExternalLocation> of(Tensor constant) {
    if (constant.data().byteSize() < BIG || !isWeight(constant.type())) {
      return small.of(constant);
    }
    bytes = Math.max(bytes, constant.data().byteSize());
    return Optional.of(
        new ExternalLocation(String.valueOf(file.getFileName()), 0, constant.data().byteSize()));
  }

  /** Whole numbers of more than 8 bits may be sizes and places. */
  private static boolean isWeight(DType type) {
    return type.isFloatingPoint() || (type.bits() <= Byte.SIZE && type != DType.BOOL);
  }

  /**
   * Makes the file.
   *
   * @throws UncheckedIOException if the disk fails
   */
  void finish() {
    if (bytes == 0) {
      return;
    }
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      // What is before the last byte is a hole, which reads as zeros.
      channel.write(ByteBuffer.wrap(new byte[1]), bytes - 1);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + file, e);
    }
  }
}
