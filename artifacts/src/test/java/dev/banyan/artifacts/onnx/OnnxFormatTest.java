package dev.banyan.artifacts.onnx;

import dev.banyan.artifacts.FormatContract;
import dev.banyan.artifacts.onnx.proto.ModelProto;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.nio.file.Path;
import java.util.Optional;

class OnnxFormatTest extends FormatContract {
  @Override
  protected Path writeSample() {
    Path file = folder.resolve("sample.onnx");
    Tensor weight = Tensor.ofFloats("W", Shape.of(2, 2), 1, 2, 3, 4);
    TensorProto typed =
        TensorProto.newBuilder()
            .setName("axes")
            .setDataType(7)
            .addDims(2)
            .addInt64Data(1)
            .addInt64Data(-1)
            .build();
    OnnxFile.write(file, Models.product(TensorProtos.inline(weight), typed));
    return file;
  }

  @Override
  protected String read(Path path) {
    OnnxFile file = OnnxFile.read(path);
    StringBuilder text = new StringBuilder(file.model().toString());
    for (TensorProto tensor : file.model().getGraph().getInitializerList()) {
      text.append(describe(file.tensor(tensor)));
    }
    return text.append(file.digest().sha256().length()).toString();
  }

  @Override
  protected void copy(Path from, Path to) {
    OnnxFile.write(to, OnnxFile.read(from).model());
  }

  @Override
  protected Detects detects() {
    return Detects.STRUCTURE;
  }

  @Override
  protected Optional<byte[]> withVersion(byte[] file, int version) {
    try {
      return Optional.of(
          ModelProto.parseFrom(file).toBuilder().setIrVersion(version).build().toByteArray());
    } catch (com.google.protobuf.InvalidProtocolBufferException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  protected int version() {
    return 3;
  }

  @Override
  protected int newestVersion() {
    return 14;
  }
}
