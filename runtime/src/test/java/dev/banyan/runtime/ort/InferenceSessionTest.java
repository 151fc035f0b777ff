package dev.banyan.runtime.ort;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InferenceSessionTest {
  @TempDir static Path folder;

  private static final long[] IDS = {101, 7592, 2088, 102};

  @Test
  void libraryThatWasLoadedCanTrain() {
    assertThat(OrtRuntime.canTrain()).isTrue();
    assertThat(OrtRuntime.version()).isEqualTo("1.28.0");
  }

  @Test
  void memoryOfTheCallerIsReadWithoutACopy() {
    try (InferenceSession session = miniLm();
        Arena arena = Arena.ofConfined();
        TensorScope scope = new TensorScope()) {
      MemorySegment ids = arena.allocateFrom(ValueLayout.JAVA_LONG, IDS);
      Map<String, NativeTensor> feeds =
          Map.of(
              "input_ids", scope.view(ids, DType.INT64, Shape.of(1, 4)),
              "attention_mask", scope.longs(new long[] {1, 1, 1, 1}, 1, 4),
              "token_type_ids", scope.longs(new long[4], 1, 4));
      float[] hello = run(session, feeds);
      ids.setAtIndex(ValueLayout.JAVA_LONG, 1, 2204);
      float[] good = run(session, feeds);
      ids.setAtIndex(ValueLayout.JAVA_LONG, 1, 7592);

      assertThat(good).isNotEqualTo(hello);
      assertThat(run(session, feeds)).isEqualTo(hello);
    }
  }

  @Test
  void inputsAreListedInTheModelsOrder() {
    try (InferenceSession session = miniLm()) {
      assertThat(session.inputs())
          .extracting(TensorPort::name)
          .containsExactly("input_ids", "attention_mask", "token_type_ids");
      assertThat(session.inputs().getFirst().type()).isEqualTo(DType.INT64);
      assertThat(session.inputs().getFirst().dims()).containsExactly(-1L, -1L);
    }
  }

  @Test
  void missingInputFailsAndTheSessionLivesOn() {
    try (InferenceSession session = miniLm();
        TensorScope scope = new TensorScope()) {
      NativeTensor ids = scope.longs(IDS, 1, 4);
      String output = session.outputs().getFirst().name();
      assertThatThrownBy(() -> session.run(Map.of("input_ids", ids), List.of(output)))
          .isInstanceOf(OrtFailure.RunFailed.class)
          .hasMessageContaining("model.onnx");
      NativeTensor ones = scope.longs(new long[] {1, 1, 1, 1}, 1, 4);
      NativeTensor zeros = scope.longs(new long[4], 1, 4);
      assertThat(
              run(
                  session,
                  Map.of("input_ids", ids, "attention_mask", ones, "token_type_ids", zeros)))
          .isNotEmpty();
    }
  }

  @Test
  void truncatedModelIsRejectedByName() throws IOException {
    Path whole = modelFile();
    Path half = folder.resolve("half.onnx");
    byte[] bytes = Files.readAllBytes(whole);
    Files.write(half, java.util.Arrays.copyOf(bytes, bytes.length / 2));
    assertThatThrownBy(() -> InferenceSession.open(half, SessionSettings.defaults()))
        .isInstanceOf(OrtFailure.ModelRejected.class)
        .hasMessageStartingWith("ONNX Runtime does not load " + half)
        .message()
        .doesNotContain("\n");
  }

  @Test
  void tensorOnTheHeapOrOfTheWrongSizeIsRefused() {
    try (TensorScope scope = new TensorScope();
        Arena arena = Arena.ofConfined()) {
      MemorySegment heap = MemorySegment.ofArray(new byte[8]);
      assertThatThrownBy(() -> scope.view(heap, DType.FLOAT, Shape.of(2)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("on the heap");
      MemorySegment small = arena.allocate(4);
      assertThatThrownBy(() -> scope.view(small, DType.FLOAT, Shape.of(2)))
          .hasMessageContaining("needs 8 bytes");
    }
  }

  @Test
  void closingTwiceIsHarmless() {
    TensorScope scope = new TensorScope();
    scope.close();
    scope.close();
    InferenceSession session = miniLm();
    session.close();
    session.close();
    assertThatThrownBy(() -> scope.longs(new long[1], 1)).isInstanceOf(RuntimeException.class);
  }

  private static float[] run(InferenceSession session, Map<String, NativeTensor> feeds) {
    String output = session.outputs().getFirst().name();
    try (OutputTensors out = session.run(feeds, List.of(output))) {
      assertThat(out.shape(output).dims()).startsWith(1L, 4L);
      return out.floats(output);
    }
  }

  private static InferenceSession miniLm() {
    return InferenceSession.open(modelFile(), SessionSettings.defaults());
  }

  private static Path modelFile() {
    Path file = folder.resolve("model.onnx");
    return Files.exists(file) ? file : MiniLm.model(folder);
  }
}
