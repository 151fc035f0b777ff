package dev.banyan.graph.lowering;

import static dev.banyan.graph.lowering.FusedCase.microsoft;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.OpId;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The table of what is held against the fused kernels: an operator may have several rows. */
final class FusedOperators {
  private static final long BATCH = -1;
  private static final long SEQUENCE = -2;
  private static final OpId TO_FLOAT = OpId.microsoft("MatMulIntegerToFloat");

  private FusedOperators() {}

  static Stream<FusedCase> standard() {
    return Stream.of(
            skipNormalizations(),
            activations(),
            fusedProducts(),
            embeddings(),
            packedAttentions(),
            groupQueryAttentions(),
            multiHeadAttentions(),
            attentions(),
            rotations(),
            quantized(),
            integerProducts(),
            fourBitProducts(),
            fourBitConstants(),
            onnx())
        .flatMap(List::stream);
  }

  /** What the rules that dequantize are held against. */
  static Stream<FusedCase> quantizedWeights() {
    return Stream.of(products(), tables(), normalFloats(), constants(), fourBitConstants())
        .flatMap(List::stream);
  }

  private static List<FusedCase> products() {
    FusedCase four = product(4, 24, 64, 32);
    FusedCase ragged = product(4, 24, 72, 16);
    FusedCase eight = product(8, 24, 64, 32);
    return List.of(
        four,
        four.constant(FusedCase.bytes(Shape.of(24))),
        four.constant(FusedCase.bytes(Shape.of(24, 1))).absent().constant(24),
        four.constant(24, 2),
        ragged,
        ragged.constant(FusedCase.bytes(Shape.of(24, 3))),
        eight,
        eight.constant(FusedCase.bytes(Shape.of(24, 2))));
  }

  private static FusedCase product(int bits, long out, long in, long block) {
    long blocks = Math.ceilDiv(in, block);
    return microsoft("MatMulNBits")
        .set("K", in)
        .set("N", out)
        .set("bits", bits)
        .set("block_size", block)
        .real(BATCH, SEQUENCE, in)
        .constant(FusedCase.bytes(Shape.of(out, blocks, block * bits / 8)))
        .constant(out, blocks);
  }

  private static List<FusedCase> normalFloats() {
    FusedCase product =
        microsoft("MatMulBnb4")
            .set("K", 32)
            .set("N", 12)
            .set("block_size", 16)
            .set("transB", 1)
            .real(BATCH, SEQUENCE, 32)
            .constant(FusedCase.bytes(Shape.of(192, 1)))
            .constant(24);
    return List.of(product.set("quant_type", 1), product.set("quant_type", 0));
  }

  private static List<FusedCase> constants() {
    Tensor numbers = FusedCase.bytes(Shape.of(6, 8));
    FusedCase plain = FusedCase.onnx("DequantizeLinear", 21).constant(numbers);
    Tensor signed = new Tensor("s", DType.INT8, numbers.shape(), numbers.data());
    Tensor zeros = FusedCase.bytes(Shape.of(2, 8));
    return List.of(
        plain.constant(new long[0]),
        plain.constant(8).constant(FusedCase.bytes(Shape.of(8))).set("axis", 1),
        plain.constant(6).set("axis", 0),
        plain.constant(6, 2).set("axis", 1).set("block_size", 4),
        plain.constant(2, 8).constant(zeros).set("axis", 0).set("block_size", 3),
        FusedCase.onnx("DequantizeLinear", 21).constant(signed).constant(8).set("axis", 1));
  }

  /** Weights that no product in 4 bits has a form for. */
  private static List<FusedCase> fourBitConstants() {
    List<FusedCase> rows = new ArrayList<>();
    for (DType type : List.of(DType.INT4, DType.UINT4)) {
      FusedCase plain =
          FusedCase.onnx("DequantizeLinear", 21).constant(FusedCase.halves(type, Shape.of(6, 5)));
      rows.add(plain.constant(new long[0]));
      rows.add(plain.constant(5).constant(FusedCase.halves(type, Shape.of(5))).set("axis", 1));
      rows.add(
          plain
              .constant(3, 5)
              .constant(FusedCase.halves(type, Shape.of(3, 5)))
              .set("axis", 0)
              .set("block_size", 2));
    }
    return rows;
  }

  /** Products whose weights keep their numbers. */
  static Stream<FusedCase> keptNumbers() {
    return Stream.of(integerProducts(), fourBitProducts()).flatMap(List::stream);
  }

  private static List<FusedCase> fourBitProducts() {
    List<FusedCase> rows = new ArrayList<>();
    for (DType type : List.of(DType.INT4, DType.UINT4)) {
      FusedCase product =
          FusedCase.onnx("MatMul", 21)
              .real(BATCH, SEQUENCE, 48)
              .constant(FusedCase.halves(type, Shape.of(48, 5)));
      FusedCase blocks = product.set("axis", 0).set("block_size", 16).constant(3, 5);
      rows.add(blocks);
      rows.add(blocks.constant(FusedCase.halves(type, Shape.of(3, 5))));
      FusedCase columns = product.set("axis", 1).constant(5);
      rows.add(columns.constant(FusedCase.halves(type, Shape.of(5))));
      rows.add(product.constant(new long[0]));
      // A scale for each row, or for blocks of columns.
      rows.add(product.set("axis", 0).constant(48));
      rows.add(product.set("axis", -1).set("block_size", 2).constant(48, 3));
    }
    return rows;
  }

  private static List<FusedCase> integerProducts() {
    // The fused kernels round their input to 8 bits.
    double rounding = 3e-2;
    FusedCase product =
        microsoft("DynamicQuantizeMatMul")
            .within(rounding)
            .real(BATCH, SEQUENCE, 16)
            .constant(FusedCase.bytes(Shape.of(16, 8)));
    List<FusedCase> rows = new ArrayList<>();
    rows.add(product.constant(8).constant(FusedCase.bytes(Shape.of(8))).constant(8));
    for (FusedCase any :
        List.of(product, product.as(OpId.onnx("MatMulInteger")), product.as(TO_FLOAT))) {
      rows.add(any.constant(new long[0]).constant(FusedCase.bytes(Shape.SCALAR)));
      rows.add(any.constant(8).constant(FusedCase.bytes(Shape.of(8))));
    }
    return rows;
  }

  private static List<FusedCase> tables() {
    FusedCase four = table(4);
    List<FusedCase> rows = new ArrayList<>();
    rows.addAll(List.of(four, four.constant(FusedCase.bytes(Shape.of(10, 1))), table(8)));
    for (DType type : List.of(DType.INT4, DType.UINT4)) {
      FusedCase typed = table(4, FusedCase.halves(type, Shape.of(10, 64)));
      rows.add(typed);
      rows.add(typed.constant(FusedCase.halves(type, Shape.of(10, 2))));
    }
    return rows;
  }

  private static FusedCase table(int bits) {
    return table(bits, FusedCase.bytes(Shape.of(10, 64 * bits / 8)));
  }

  private static FusedCase table(int bits, Tensor data) {
    return microsoft("GatherBlockQuantized")
        .set("bits", bits)
        .set("block_size", 32)
        .set("gather_axis", 0)
        .set("quantize_axis", 1)
        .constant(data)
        .constant(Tensor.ofLongs("ids", Shape.of(2, 3), 1, 0, 9, 4, 4, 7))
        .constant(10, 2);
  }

  private static List<FusedCase> skipNormalizations() {
    FusedCase simplified =
        microsoft("SkipSimplifiedLayerNormalization")
            .real(BATCH, SEQUENCE, 8)
            .real(BATCH, SEQUENCE, 8)
            .constant(8);
    FusedCase full =
        microsoft("SkipLayerNormalization")
            .real(BATCH, SEQUENCE, 8)
            .real(BATCH, SEQUENCE, 8)
            .constant(8);
    return List.of(
        simplified,
        simplified.set("epsilon", 1e-3f).reading(0, 3),
        simplified.constant(8).reading(0, 3),
        full.set("epsilon", 1e-12f),
        full.constant(8).constant(8).reading(0, 3),
        full.absent().constant(8),
        full.constant(8).reading(0, 3));
  }

  /** What stays quantized is changed in how it computes only. */
  private static List<FusedCase> quantized() {
    FusedCase product =
        microsoft("MatMulNBits")
            .set("K", 64)
            .set("N", 24)
            .set("bits", 4)
            .set("block_size", 32)
            .real(BATCH, SEQUENCE, 64)
            .constant(FusedCase.bytes(Shape.of(24, 2, 16)))
            .constant(24, 2);
    return List.of(
        product.set("accuracy_level", 1),
        // The fused kernel rounds its input to 8 bits.
        product.set("accuracy_level", 4).within(2e-2));
  }

  private static List<FusedCase> onnx() {
    FusedCase norm = FusedCase.onnx("RMSNormalization", 23).real(BATCH, SEQUENCE, 8).constant(8);
    return List.of(norm, norm.set("epsilon", 1e-2f));
  }

  private static List<FusedCase> activations() {
    FusedCase bias = microsoft("BiasGelu").real(BATCH, SEQUENCE, 8).constant(8);
    FusedCase tanh = microsoft("FastGelu").real(BATCH, SEQUENCE, 8);
    FusedCase sigmoid = microsoft("QuickGelu").real(BATCH, SEQUENCE, 8);
    return List.of(bias, tanh, tanh.constant(8), sigmoid, sigmoid.set("alpha", 1f));
  }

  private static List<FusedCase> fusedProducts() {
    FusedCase product = microsoft("FusedMatMul");
    FusedCase gemm = microsoft("FusedGemm").real(4, 8).constant(8, 6).constant(6);
    return List.of(
        product.real(BATCH, SEQUENCE, 8).constant(8, 4).set("alpha", 0.25f),
        product.real(BATCH, SEQUENCE, 8).constant(4, 8).set("transB", 1),
        product.real(BATCH, 8, SEQUENCE).real(BATCH, 4, 8).set("transA", 1).set("transB", 1),
        product.real(3, BATCH, 4, 8).real(3, BATCH, 4, 8).set("transB", 1).set("alpha", 2f),
        gemm.set("activation", "Relu"),
        gemm.set("activation", "LeakyRelu").set("activation_alpha", 0.3f).set("alpha", 0.5f),
        gemm.set("activation", "HardSigmoid")
            .set("activation_alpha", 0.4f)
            .set("activation_beta", 0.3f)
            .set("beta", 2f),
        microsoft("FusedGemm")
            .real(4, 8)
            .constant(6, 8)
            .set("transB", 1)
            .set("activation", "Tanh"));
  }

  private static List<FusedCase> embeddings() {
    Tensor ids = FusedCase.ints(Shape.of(2, 3), 1, 0, 9, 4, 4, 7);
    Tensor types = FusedCase.ints(Shape.of(2, 3), 0, 1, 1, 0, 0, 1);
    Tensor mask = FusedCase.ints(Shape.of(2, 3), 1, 1, 0, 1, 1, 1);
    Tensor positions = FusedCase.ints(Shape.of(2, 3), 2, 3, 4, 0, 1, 2);
    Dim[] axes = {Dim.of("batch"), Dim.of("sequence")};
    FusedCase embed = microsoft("EmbedLayerNormalization").fed(ids, axes);
    FusedCase full =
        embed
            .fed(types, axes)
            .constant(10, 8)
            .constant(16, 8)
            .constant(2, 8)
            .constant(8)
            .constant(8);
    return List.of(
        full.reading(0, 1, 2),
        full.set("epsilon", 1e-2f).fed(mask, axes).reading(0, 1),
        full.fed(mask, axes).fed(positions, axes).reading(0, 1),
        embed
            .absent()
            .constant(10, 8)
            .constant(16, 8)
            .absent()
            .constant(8)
            .constant(8)
            .reading(0, 1));
  }

  private static List<FusedCase> packedAttentions() {
    Dim[] axes = {Dim.of("batch"), Dim.of("sequence")};
    Tensor mask = FusedCase.ints(Shape.of(2, 6), 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1);
    Tensor lengths = FusedCase.ints(Shape.of(2), 4, 6);
    FusedCase attention =
        microsoft("Attention")
            .set("num_heads", 2)
            .real(BATCH, SEQUENCE, 8)
            .constant(8, 24)
            .constant(24);
    return List.of(
        attention,
        attention.set("scale", 0.2f),
        attention.set("unidirectional", 1),
        attention.fed(mask, axes),
        attention.fed(mask, axes).set("unidirectional", 1),
        attention.fed(mask, axes).set("mask_filter_value", -1f),
        attention.fed(lengths, Dim.of("batch")),
        microsoft("Attention")
            .set("num_heads", 2)
            .real(2, 6, 8)
            .constant(8, 24)
            .constant(24)
            .absent()
            .absent()
            .real(1, 2, 6, 6),
        microsoft("Attention")
            .set("num_heads", 2)
            .set("qkv_hidden_sizes", Attribute.ints(8, 8, 4))
            .real(BATCH, SEQUENCE, 6)
            .constant(6, 20)
            .constant(20));
  }

  private static List<FusedCase> multiHeadAttentions() {
    Dim[] axes = {Dim.of("batch"), Dim.of("sequence")};
    Tensor mask = FusedCase.ints(Shape.of(2, 6), 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1);
    FusedCase attention =
        microsoft("MultiHeadAttention")
            .set("num_heads", 2)
            .real(BATCH, SEQUENCE, 8)
            .real(BATCH, SEQUENCE, 8)
            .real(BATCH, SEQUENCE, 8);
    FusedCase biased = attention.constant(24);
    return List.of(
        attention,
        attention.set("scale", 0.2f),
        attention.set("unidirectional", 1),
        biased,
        biased.fed(mask, axes),
        biased.fed(mask, axes).set("mask_filter_value", -1f),
        microsoft("MultiHeadAttention")
            .set("num_heads", 2)
            .real(2, 6, 8)
            .real(2, 5, 8)
            .real(2, 5, 12)
            .absent()
            .absent()
            .real(1, 2, 6, 5));
  }

  private static List<FusedCase> attentions() {
    FusedCase rows =
        FusedCase.onnx("Attention", 23)
            .set("q_num_heads", 4)
            .set("kv_num_heads", 2)
            .real(2, 6, 32)
            .real(2, 6, 16)
            .real(2, 6, 8);
    FusedCase byHead =
        FusedCase.onnx("Attention", 23).real(2, 2, 6, 8).real(2, 2, 5, 8).real(2, 2, 5, 4);
    FusedCase shared =
        FusedCase.onnx("Attention", 23).real(2, 4, 6, 8).real(2, 2, 6, 8).real(2, 2, 6, 8);
    byte[] seen = new byte[30];
    for (int i = 0; i < seen.length; i++) {
      seen[i] = (byte) (i % 4 == 3 ? 0 : 1);
    }
    Tensor mask = new Tensor("m", DType.BOOL, Shape.of(6, 5), MemorySegment.ofArray(seen));
    return List.of(
        rows,
        rows.set("is_causal", 1).set("scale", 0.3f),
        rows.real(2, 4, 6, 6),
        rows.real(2, 1, 6, 6),
        rows.set("softcap", 1.5f),
        byHead,
        byHead.real(6, 5),
        byHead.fed(mask, Dim.of(6), Dim.of(5)),
        shared.set("is_causal", 1),
        shared.real(6, 6));
  }

  private static List<FusedCase> rotations() {
    FusedCase rows = microsoft("RotaryEmbedding").real(2, 6, 32);
    FusedCase byHead = microsoft("RotaryEmbedding").real(2, 2, 6, 16);
    Tensor first = Tensor.ofLongs("first", Shape.of(1), 3);
    Tensor each = Tensor.ofLongs("each", Shape.of(2, 6), 0, 1, 2, 3, 4, 5, 9, 8, 7, 6, 5, 4);
    FusedCase standard = FusedCase.onnx("RotaryEmbedding", 23);
    return List.of(
        angles(rows.constant(first), 8),
        angles(rows.constant(each), 8).set("interleaved", 1),
        angles(byHead.constant(each), 8),
        angles(rows.constant(each), 4).set("num_heads", 2).set("rotary_embedding_dim", 8),
        angles(standard.real(2, 6, 32), 8).constant(each).set("num_heads", 2),
        angles(standard.real(2, 2, 6, 16), 8).constant(each).set("interleaved", 1),
        angles(standard.real(2, 2, 6, 16), 4).constant(each).set("rotary_embedding_dim", 8),
        standard.real(2, 2, 6, 16).real(2, 6, 8).real(2, 6, 8));
  }

  private static FusedCase angles(FusedCase row, int half) {
    return row.constant(angles(half, false)).constant(angles(half, true));
  }

  private static List<FusedCase> groupQueryAttentions() {
    FusedCase packed =
        lengths(sizes(4, 2).real(BATCH, SEQUENCE, (4 + 2 * 2) * 32).absent().absent());
    FusedCase apart =
        lengths(
            sizes(6, 2)
                .real(BATCH, SEQUENCE, 192)
                .real(BATCH, SEQUENCE, 64)
                .real(BATCH, SEQUENCE, 64));
    FusedCase plain =
        lengths(
            sizes(2, 2)
                .real(BATCH, SEQUENCE, 64)
                .real(BATCH, SEQUENCE, 64)
                .real(BATCH, SEQUENCE, 64));
    return List.of(
        packed,
        packed.set("scale", 0.3f),
        packed.set("softcap", 2f),
        packed.set("local_window_size", 3),
        rotary(packed, 16),
        rotary(packed, 16).set("rotary_interleaved", 1),
        rotary(packed, 8).set("rotary_interleaved", 1),
        apart,
        rotary(apart, 8).set("local_window_size", 2),
        plain);
  }

  private static FusedCase sizes(long heads, long keyHeads) {
    return microsoft("GroupQueryAttention").set("num_heads", heads).set("kv_num_heads", keyHeads);
  }

  /** No past; all tokens of both texts count. */
  private static FusedCase lengths(FusedCase attention) {
    int last = FusedCase.SEQUENCE - 1;
    return attention
        .absent()
        .absent()
        .fed(FusedCase.ints(Shape.of(FusedCase.BATCH), last, last), Dim.of("batch"))
        .constant(FusedCase.ints(Shape.SCALAR, FusedCase.SEQUENCE));
  }

  /** Cosines and sines of 16 positions. */
  private static FusedCase rotary(FusedCase attention, int half) {
    return angles(attention, half).set("do_rotary", 1);
  }

  private static Tensor angles(int half, boolean sine) {
    float[] values = new float[16 * half];
    for (int i = 0; i < values.length; i++) {
      int position = i / half;
      double angle = position * Math.pow(100, -(i % half) / (double) half);
      values[i] = (float) (sine ? Math.sin(angle) : Math.cos(angle));
    }
    return Tensor.ofFloats("angles", Shape.of(16, half), values);
  }
}
