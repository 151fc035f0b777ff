package dev.banyan.artifacts.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.google.flatbuffers.FlatBufferBuilder;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointFileTest {
  @TempDir Path folder;

  @Test
  void aFreshCheckpointHasParametersAndNothingElse() {
    Path file = folder.resolve("checkpoint");
    CheckpointFile.write(file, Checkpoint.fresh(List.of(CheckpointFormatTest.LORA_A)));
    Checkpoint read = CheckpointFile.read(file);
    assertThat(read.trainable()).hasSize(1);
    assertThat(read.trainable().getFirst().floats()).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(read.frozen()).isEmpty();
    assertThat(read.optimizer()).isEmpty();
    assertThat(read.properties()).isEmpty();
  }

  @Test
  void everyPartComesBackWithItsType() {
    Path file = folder.resolve("checkpoint");
    CheckpointFile.write(file, CheckpointFormatTest.checkpoint());
    Checkpoint read = CheckpointFile.read(file);
    OptimizerState state = read.optimizer().orElseThrow();
    assertThat(state.step()).isEqualTo(17);
    assertThat(state.initialLearningRate()).isEqualTo(1e-3f);
    assertThat(state.moments().get("site.lora_B"))
        .extracting(Tensor::name)
        .containsExactly("momentum0", "momentum1");
    assertThat(read.properties())
        .containsEntry("epoch", 3L)
        .containsEntry("learning_rate", 2e-4f)
        .containsEntry("base", "sha256:größe");
  }

  @Test
  void readingAgainAfterTheFileWasRewrittenInPlaceGivesTheOldTensors() throws Exception {
    Path file = folder.resolve("checkpoint");
    CheckpointFile.write(file, Checkpoint.fresh(List.of(CheckpointFormatTest.LORA_A)));
    Checkpoint read = CheckpointFile.read(file);
    Files.write(file, new byte[10]);
    assertThat(read.trainable().getFirst().floats()).containsExactly(1, 2, 3, 4, 5, 6);
  }

  @Test
  void twoParametersOfOneNameAreCorrupt() {
    Path file = folder.resolve("checkpoint");
    Tensor tensor = CheckpointFormatTest.LORA_A;
    CheckpointFile.write(
        file, new Checkpoint(List.of(tensor), List.of(tensor), Optional.empty(), Map.of()));
    assertThatExceptionOfType(CorruptArtifact.class)
        .isThrownBy(() -> CheckpointFile.read(file))
        .withMessageContaining("site.lora_A");
  }

  @Test
  void aPropertyOfAnotherTypeIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> new Checkpoint(List.of(), List.of(), Optional.empty(), Map.of("epoch", 3)))
        .withMessageContaining("Integer");
  }

  @Test
  void aTensorInTheDataFileIsRead() throws Exception {
    Path file = withExternalTensor(8);
    Files.write(
        folder.resolve("checkpoint.data"), new byte[] {9, 9, 9, 9, 9, 9, 9, 9, 0, 0, -128, 63});
    Tensor tensor = CheckpointFile.read(file).trainable().getFirst();
    assertThat(tensor.floats()).containsExactly(1f);
  }

  @Test
  void aTensorBeyondTheDataFileIsCorrupt() throws Exception {
    Path file = withExternalTensor(Long.MAX_VALUE);
    Files.write(folder.resolve("checkpoint.data"), new byte[12]);
    assertThatExceptionOfType(CorruptArtifact.class).isThrownBy(() -> CheckpointFile.read(file));
  }

  @Test
  void aMissingDataFileIsNamed() throws Exception {
    Path file = withExternalTensor(0);
    assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(() -> CheckpointFile.read(file))
        .withMessageContaining("checkpoint.data");
  }

  /** ONNX Runtime's form of a large checkpoint, which Banyan reads and never writes. */
  private Path withExternalTensor(long offset) throws Exception {
    FlatBufferBuilder builder = new FlatBufferBuilder();
    int name = builder.createString("p");
    builder.startVector(8, 1, 8);
    builder.addLong(1);
    int dims = builder.endVector();
    builder.startTable(7);
    builder.addOffset(0, name, 0);
    builder.addOffset(2, dims, 0);
    builder.addInt(3, 1, 0);
    builder.addLong(6, offset, -1);
    int trainable = builder.createVectorOfTables(new int[] {builder.endTable()});
    int frozen = builder.createVectorOfTables(new int[0]);
    builder.startTable(4);
    builder.addOffset(0, trainable, 0);
    builder.addOffset(1, frozen, 0);
    builder.addBoolean(3, true, false);
    int module = builder.endTable();
    builder.startTable(4);
    builder.addInt(0, CheckpointFile.VERSION, 0);
    builder.addOffset(1, module, 0);
    builder.finish(builder.endTable(), CheckpointFile.IDENTIFIER);
    return Files.write(folder.resolve("checkpoint"), builder.sizedByteArray());
  }

  @Test
  void theFileStartsAsOnnxRuntimeExpects() throws Exception {
    Path file = folder.resolve("checkpoint");
    CheckpointFile.write(file, Checkpoint.fresh(List.of(Tensor.ofFloats("s", Shape.SCALAR, 1))));
    byte[] bytes = Files.readAllBytes(file);
    assertThat(new String(bytes, 4, 4, StandardCharsets.US_ASCII)).isEqualTo("ODTC");
  }
}
