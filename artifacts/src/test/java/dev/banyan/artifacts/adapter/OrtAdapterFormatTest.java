package dev.banyan.artifacts.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.FormatContract;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class OrtAdapterFormatTest extends FormatContract {
  @Override
  protected Path writeSample() {
    Path file = folder.resolve("sample.onnx_adapter");
    OrtAdapterFile.write(
        file,
        5,
        6,
        List.of(
            Tensor.ofFloats("odd", Shape.of(3), 1, 2, 3),
            Tensor.ofFloats("site.lora_B", Shape.of(2, 1), 4, 5),
            Tensor.ofLongs("scalar", Shape.SCALAR, 7)));
    return file;
  }

  @Test
  void everyTensorIsAlignedToEightBytesInTheFile() throws Exception {
    Path file = writeSample();
    MemorySegment bytes = MemorySegment.ofArray(Files.readAllBytes(file));
    for (Tensor tensor : OrtAdapterFile.read(file).parameters()) {
      long at = 0;
      while (bytes.asSlice(at, tensor.data().byteSize()).mismatch(tensor.data()) != -1) {
        at += 8;
      }
      assertThat(at).isPositive();
    }
  }

  @Override
  protected String read(Path path) {
    OrtAdapterFile file = OrtAdapterFile.read(path);
    return file.adapterVersion()
        + " "
        + file.modelVersion()
        + file.parameters().stream()
            .map(FormatContract::describe)
            .collect(Collectors.joining("\n"));
  }

  @Override
  protected void copy(Path from, Path to) {
    OrtAdapterFile file = OrtAdapterFile.read(from);
    OrtAdapterFile.write(to, file.adapterVersion(), file.modelVersion(), file.parameters());
  }

  @Override
  protected Detects detects() {
    return Detects.STRUCTURE;
  }

  @Override
  protected Optional<byte[]> withVersion(byte[] file, int version) {
    ByteBuffer bytes = ByteBuffer.wrap(file.clone()).order(ByteOrder.LITTLE_ENDIAN);
    int root = bytes.getInt(0);
    int vtable = root - bytes.getInt(root);
    bytes.putInt(root + bytes.getShort(vtable + 4), version);
    return Optional.of(bytes.array());
  }

  @Override
  protected int version() {
    return 1;
  }
}
