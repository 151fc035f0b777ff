package dev.banyan.artifacts.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.google.protobuf.ByteString;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.onnx.proto.ModelProto;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class OnnxFileTest {
  @TempDir Path folder;

  /**
   * Type, the message with the values 1 and 2 in that type's own field, the bytes they stand for.
   */
  static Stream<Arguments> typedFields() {
    return Stream.of(
        typed(DType.FLOAT, TensorProto.newBuilder().addFloatData(1).addFloatData(2)),
        typed(DType.DOUBLE, TensorProto.newBuilder().addDoubleData(1).addDoubleData(2)),
        typed(DType.INT64, TensorProto.newBuilder().addInt64Data(1).addInt64Data(2)),
        typed(DType.UINT64, TensorProto.newBuilder().addUint64Data(1).addUint64Data(2)),
        typed(DType.UINT32, TensorProto.newBuilder().addUint64Data(1).addUint64Data(2)),
        typed(DType.INT32, int32Data()),
        typed(DType.INT16, int32Data()),
        typed(DType.UINT16, int32Data()),
        typed(DType.INT8, int32Data()),
        typed(DType.UINT8, int32Data()),
        typed(DType.BOOL, int32Data()));
  }

  private static Arguments typed(DType type, TensorProto.Builder proto) {
    return Arguments.of(type, proto.setName("t").setDataType(type.onnxCode()).addDims(2).build());
  }

  private static TensorProto.Builder int32Data() {
    return TensorProto.newBuilder().addInt32Data(1).addInt32Data(2);
  }

  @Test
  void fourBitNumbersLieTwoToAByteInEitherField() {
    TensorProto.Builder proto =
        TensorProto.newBuilder()
            .setName("t")
            .setDataType(DType.INT4.onnxCode())
            .addDims(3)
            .addInt32Data(0x21)
            .addInt32Data(0x0f);
    Tensor typed = write(Models.product()).tensor(proto.build());
    Tensor raw =
        write(Models.product())
            .tensor(
                proto
                    .clearInt32Data()
                    .setRawData(ByteString.copyFrom(new byte[] {0x21, 0x0f}))
                    .build());
    for (Tensor tensor : List.of(typed, raw)) {
      assertThat(IntStream.range(0, 3).map(tensor::smallNumber)).containsExactly(1, 2, -1);
      assertThat(TensorProtos.inline(tensor).getRawData().size()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @MethodSource("typedFields")
  void numbersInTheirTypedFieldAreRead(DType type, TensorProto proto) {
    Tensor tensor = write(Models.product()).tensor(proto);
    assertThat(tensor.type()).isEqualTo(type);
    assertThat(
            switch (type) {
              case FLOAT, DOUBLE -> sum(tensor.widened().floats());
              default -> sum(tensor.data().toArray(ValueLayout.JAVA_BYTE));
            })
        .isEqualTo(3);
    assertThat(tensor.data().byteSize()).isEqualTo(2L * type.bytes());
  }

  private static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }

  private static double sum(byte[] values) {
    double sum = 0;
    for (byte value : values) {
      sum += value;
    }
    return sum;
  }

  @Test
  void halfPrecisionBitsInTheIntegerFieldAreRead() {
    TensorProto proto =
        TensorProto.newBuilder()
            .setName("t")
            .setDataType(DType.FLOAT16.onnxCode())
            .addDims(1)
            .addInt32Data(0x3c00)
            .build();
    assertThat(write(Models.product()).tensor(proto).widened().floats()).containsExactly(1f);
  }

  @Test
  void aTensorWithoutElementsNeedsNoBytes() {
    TensorProto proto =
        TensorProto.newBuilder().setName("t").setDataType(1).addDims(0).addDims(8).build();
    assertThat(write(Models.product()).tensor(proto).shape()).isEqualTo(Shape.of(0, 8));
  }

  @Test
  void rawBytesAreRead() {
    Tensor weight = Tensor.ofFloats("W", Shape.of(2, 2), 1, 2, 3, 4);
    OnnxFile file = write(Models.product(TensorProtos.inline(weight)));
    Tensor read = file.tensor(file.model().getGraph().getInitializer(0));
    assertThat(read.floats()).containsExactly(1, 2, 3, 4);
  }

  @Test
  void fieldsThatAreNotDeclaredSurvive() {
    ModelProto.Builder model = Models.product().toBuilder();
    model.setUnknownFields(
        com.google.protobuf.UnknownFieldSet.newBuilder()
            .addField(
                26,
                com.google.protobuf.UnknownFieldSet.Field.newBuilder()
                    .addLengthDelimited(ByteString.copyFromUtf8("configuration"))
                    .build())
            .build());
    assertThat(write(model.build()).model()).isEqualTo(model.build());
  }

  @Test
  void stringsAreRefusedByTheTensorsName() {
    TensorProto proto = TensorProto.newBuilder().setName("vocabulary").setDataType(8).build();
    assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(() -> write(Models.product()).tensor(proto))
        .withMessageContainingAll("'vocabulary'", "8");
  }

  @Test
  void tooFewBytesAreCorrupt() {
    TensorProto proto =
        TensorProto.newBuilder()
            .setName("t")
            .setDataType(1)
            .addDims(3)
            .setRawData(ByteString.copyFrom(new byte[8]))
            .build();
    assertThatExceptionOfType(CorruptArtifact.class)
        .isThrownBy(() -> write(Models.product()).tensor(proto))
        .withMessageContainingAll("'t'", "8 bytes", "12 bytes");
  }

  @Test
  void anImpossibleShapeIsCorrupt() {
    TensorProto proto =
        TensorProto.newBuilder()
            .setName("t")
            .setDataType(1)
            .addDims(Long.MAX_VALUE)
            .addDims(Long.MAX_VALUE)
            .build();
    assertThatExceptionOfType(CorruptArtifact.class)
        .isThrownBy(() -> write(Models.product()).tensor(proto));
  }

  @Test
  void theDigestOfAModelAloneIsThatOfItsFile() {
    OnnxFile file = write(Models.product());
    assertThat(file.digest()).isEqualTo(Digest.of(file.path()));
  }

  private OnnxFile write(ModelProto model) {
    Path path = folder.resolve("model.onnx");
    OnnxFile.write(path, model);
    return OnnxFile.read(path);
  }
}
