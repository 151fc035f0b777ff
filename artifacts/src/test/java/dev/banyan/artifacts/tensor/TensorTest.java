package dev.banyan.artifacts.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TensorTest {
  @Test
  void halfPrecisionIsWidenedExactly() {
    // Bits of 1, -2, 65504 (largest), 2^-24 (smallest), infinity, NaN.
    Tensor half = shorts(DType.FLOAT16, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00, 0x7e00);
    assertThat(half.widened().floats())
        .containsExactly(1f, -2f, 65504f, 0x1p-24f, Float.POSITIVE_INFINITY, Float.NaN);
  }

  @Test
  void bfloat16IsWidenedExactly() {
    // Bits of 1, -2, 3.140625, infinity.
    Tensor half = shorts(DType.BFLOAT16, 0x3f80, 0xc000, 0x4049, 0x7f80);
    assertThat(half.widened().floats())
        .containsExactly(1f, -2f, 3.140625f, Float.POSITIVE_INFINITY);
  }

  @Test
  void doublesAreRounded() {
    byte[] bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putDouble(0.1).array();
    Tensor tensor = new Tensor("t", DType.DOUBLE, Shape.of(1), MemorySegment.ofArray(bytes));
    assertThat(tensor.widened().floats()).containsExactly(0.1f);
  }

  @Test
  void aFloatTensorIsItsOwnWidening() {
    Tensor tensor = Tensor.ofFloats("t", Shape.of(1), 1);
    assertThat(tensor.widened()).isSameAs(tensor);
  }

  @Test
  void integersAreNotWidened() {
    assertThatIllegalStateException()
        .isThrownBy(() -> Tensor.ofLongs("t", Shape.of(1), 1).widened())
        .withMessageContainingAll("'t'", "INT64");
  }

  @Test
  void rowsBecomeColumns() {
    Tensor turned = Tensor.ofFloats("t", Shape.of(2, 3), 1, 2, 3, 4, 5, 6).transposed();
    assertThat(turned.shape()).isEqualTo(Shape.of(3, 2));
    assertThat(turned.floats()).containsExactly(1, 4, 2, 5, 3, 6);
  }

  @Test
  void onlyTwoDimensionsAreTransposed() {
    assertThatIllegalStateException()
        .isThrownBy(() -> Tensor.ofFloats("t", Shape.of(1), 1).transposed())
        .withMessageContaining("'t'");
  }

  @Test
  void firstOfTwoFourBitNumbersIsTheLowHalf() {
    MemorySegment bytes = MemorySegment.ofArray(new byte[] {(byte) 0x8f, 0x07});
    Tensor signed = new Tensor("t", DType.INT4, Shape.of(3), bytes);
    Tensor unsigned = new Tensor("t", DType.UINT4, Shape.of(3), bytes);
    assertThat(IntStream.range(0, 3).map(signed::smallNumber)).containsExactly(-1, -8, 7);
    assertThat(IntStream.range(0, 3).map(unsigned::smallNumber)).containsExactly(15, 8, 7);
  }

  @Test
  void bytesThatDoNotFitTheShapeAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tensor.ofFloats("t", Shape.of(3), 1, 2))
        .withMessageContainingAll("12", "8");
  }

  private static Tensor shorts(DType type, int... bits) {
    ByteBuffer bytes = ByteBuffer.allocate(2 * bits.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : bits) {
      bytes.putShort((short) value);
    }
    return new Tensor("t", type, Shape.of(bits.length), MemorySegment.ofArray(bytes.array()));
  }

  @Test
  void everyAxisIsCutOrFilledUpAtItsEnd() {
    Tensor cube = Tensor.ofFloats("cube", Shape.of(2, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8);
    assertThat(cube.resized(Shape.of(2, 3, 1)).floats()).containsExactly(1, 3, 0, 5, 7, 0);
    assertThat(cube.resized(Shape.of(1, 1, 3)).floats()).containsExactly(1, 2, 0);
    assertThat(cube.resized(Shape.of(1, 1, 3)).resized(Shape.of(2, 1, 2)).floats())
        .containsExactly(1, 2, 0, 0);
  }
}
