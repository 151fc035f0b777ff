package dev.banyan.artifacts.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExternalDataTest {
  private static final Tensor A = Tensor.ofFloats("a", Shape.of(3), 1, 2, 3);
  private static final Tensor B = Tensor.ofFloats("b", Shape.of(2), 4, 5);

  @TempDir Path folder;

  @Test
  void tensorsComeBackFromTheDataFile() {
    OnnxFile file = written();
    assertThat(file.tensor(file.model().getGraph().getInitializer(0)).floats())
        .containsExactly(1, 2, 3);
    assertThat(file.tensor(file.model().getGraph().getInitializer(1)).floats())
        .containsExactly(4, 5);
  }

  @Test
  void aModelsSizeIsThatOfAllItsFiles() throws IOException {
    OnnxFile file = written();
    long all = 0;
    try (var files = Files.list(folder)) {
      for (Path each : files.toList()) {
        all += Files.size(each);
      }
    }
    assertThat(file.size()).isEqualTo(all).isGreaterThan(Files.size(file.path()));
  }

  @Test
  void externalWeightsAreMappedAndNotCopied() {
    OnnxFile file = written();
    Tensor tensor = file.tensor(file.model().getGraph().getInitializer(0));
    assertThat(tensor.data().isMapped()).isTrue();
  }

  @Test
  void placesAreAlignedAndANameIsWrittenOnce() throws Exception {
    Path data = folder.resolve("data");
    try (ExternalDataWriter writer = new ExternalDataWriter(data)) {
      assertThat(writer.add(A)).isEqualTo(new ExternalLocation("data", 0, 12));
      assertThat(writer.add(B)).isEqualTo(new ExternalLocation("data", 64, 8));
      assertThat(writer.add(A)).isEqualTo(new ExternalLocation("data", 0, 12));
    }
    assertThat(Files.size(data)).isEqualTo(72);
  }

  @Test
  void oneNameForTwoSizesIsRefused() {
    try (ExternalDataWriter writer = new ExternalDataWriter(folder.resolve("data"))) {
      writer.add(A);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> writer.add(B.named("a")))
          .withMessageContaining("'a'");
    }
  }

  @Test
  void anExistingDataFileIsNotWrittenOver() throws Exception {
    Path data = Files.writeString(folder.resolve("data"), "kept");
    assertThatExceptionOfType(UncheckedIOException.class)
        .isThrownBy(() -> new ExternalDataWriter(data));
    assertThat(data).hasContent("kept");
  }

  @Test
  void aTensorBeyondTwoGibibytesIsRead() throws Exception {
    long far = (3L << 30) + 4;
    sparse(folder.resolve("weights"), far);
    OnnxFile file = with("weights", Long.toString(far), "4", 1);
    assertThat(file.tensor(file.model().getGraph().getInitializer(0)).floats()).containsExactly(1f);
  }

  @Test
  void aTensorLargerThanTwoGibibytesIsRead() throws Exception {
    long last = 3L << 30;
    sparse(folder.resolve("weights"), last);
    long elements = last / 4 + 1;
    OnnxFile file = with("weights", "0", Long.toString(last + 4), elements);
    Tensor tensor = file.tensor(file.model().getGraph().getInitializer(0));
    assertThat(tensor.shape().elements()).isEqualTo(elements);
    assertThat(tensor.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, last)).isEqualTo(1f);
  }

  @Test
  void aTensorLargerThanTwoGibibytesIsNotPutInline() throws Exception {
    sparse(folder.resolve("weights"), 3L << 30);
    try (Arena arena = Arena.ofConfined();
        FileChannel channel = FileChannel.open(folder.resolve("weights"))) {
      MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, 3L << 30, arena);
      Tensor tensor = new Tensor("large", DType.UINT8, Shape.of(3L << 30), bytes);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> TensorProtos.inline(tensor))
          .withMessageContaining("'large'");
    }
  }

  /** A file of zeros that takes no space, with the float 1 at this offset. */
  private static void sparse(Path file, long offset) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.SPARSE,
            StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {0, 0, (byte) 0x80, 0x3f}), offset);
    } catch (IOException e) {
      assumeTrue(false, "this file system has no files of 3 GiB: " + e);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"../outside", "/etc/hostname", "a/../../outside", "", "nul\0byte"})
  void aLocationOutsideTheModelsFolderIsRefused(String location) throws Exception {
    Path inside = Files.createDirectory(folder.resolve("inside"));
    Files.write(folder.resolve("outside"), new byte[4]);
    OnnxFile file = with(inside, location, "0", "4", 1);
    assertThatExceptionOfType(CorruptArtifact.class)
        .isThrownBy(() -> file.tensor(file.model().getGraph().getInitializer(0)))
        .withMessageContaining("inside the model's folder");
  }

  @Test
  void aMissingDataFileIsNamed() {
    OnnxFile file = with("weights", "0", "4", 1);
    assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(() -> file.tensor(file.model().getGraph().getInitializer(0)))
        .withMessageContaining("'weights'");
  }

  @ParameterizedTest
  @CsvSource({
    "8, 4, 1",
    "4, 8, 2",
    "-4, 4, 1",
    "0, 8, 1",
    "9223372036854775807, 4, 1",
    "four, 4, 1",
    "0, , 3"
  })
  void aPlaceOutsideTheDataFileIsCorrupt(String offset, String length, long elements)
      throws Exception {
    Files.write(folder.resolve("weights"), new byte[8]);
    OnnxFile file = with("weights", offset, length == null ? "12" : length, elements);
    assertThatExceptionOfType(CorruptArtifact.class)
        .isThrownBy(() -> file.tensor(file.model().getGraph().getInitializer(0)))
        .withMessageContaining("'W'");
  }

  @Test
  void theDigestSeesEveryDataFile() throws Exception {
    OnnxFile file = written();
    Digest before = file.digest();
    assertThat(written().digest()).isEqualTo(before);
    byte[] data = Files.readAllBytes(folder.resolve("data"));
    data[5] ^= 1;
    Files.write(folder.resolve("data"), data);
    assertThat(OnnxFile.read(file.path()).digest()).isNotEqualTo(before);
  }

  private OnnxFile written() {
    Path path = folder.resolve("model.onnx");
    try {
      Files.deleteIfExists(folder.resolve("data"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    try (ExternalDataWriter writer = new ExternalDataWriter(folder.resolve("data"))) {
      OnnxFile.write(
          path,
          Models.product(
              TensorProtos.external(A, writer.add(A)), TensorProtos.external(B, writer.add(B))));
    }
    return OnnxFile.read(path);
  }

  private OnnxFile with(String location, String offset, String length, long elements) {
    return with(folder, location, offset, length, elements);
  }

  private static OnnxFile with(
      Path folder, String location, String offset, String length, long elements) {
    TensorProto.Builder proto =
        TensorProto.newBuilder()
            .setName("W")
            .setDataType(1)
            .addDims(elements)
            .setDataLocation(TensorProto.DataLocation.EXTERNAL);
    proto.addExternalDataBuilder().setKey("location").setValue(location);
    proto.addExternalDataBuilder().setKey("offset").setValue(offset);
    proto.addExternalDataBuilder().setKey("length").setValue(length);
    Path path = folder.resolve("model.onnx");
    OnnxFile.write(path, Models.product(proto.build()));
    return OnnxFile.read(path);
  }
}
