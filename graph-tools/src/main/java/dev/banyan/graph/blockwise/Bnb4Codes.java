package dev.banyan.graph.blockwise;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * What the 16 codes of a 4-bit weight stand for, as fractions of a block's greatest magnitude
 * (Dettmers et al., 2023, arXiv:2305.14314).
 */
public final class Bnb4Codes {
  /** A sign, two bits of exponent and one of mantissa. */
  public static final Bnb4Codes FP4 =
      new Bnb4Codes(
          "fp4",
          0,
          0.0052083335f,
          0.6666667f,
          1,
          0.33333334f,
          0.5f,
          0.16666667f,
          0.25f,
          0,
          -0.0052083335f,
          -0.6666667f,
          -1,
          -0.33333334f,
          -0.5f,
          -0.16666667f,
          -0.25f);

  /** Steps that a normal distribution fills about equally. */
  public static final Bnb4Codes NF4 =
      new Bnb4Codes(
          "nf4",
          -1,
          -0.6961928f,
          -0.52507305f,
          -0.3949175f,
          -0.28444138f,
          -0.18477343f,
          -0.091050036f,
          0,
          0.0795803f,
          0.1609302f,
          0.2461123f,
          0.33791524f,
          0.44070983f,
          0.562617f,
          0.72295684f,
          1);

  private final String name;
  private final float[] fractions;

  /** The codes in the order of their fractions, and what lies in the middle between two. */
  private final int[] sorted;

  private final double[] middles;

  private Bnb4Codes(String name, float... fractions) {
    this.name = name;
    this.fractions = fractions;
    // FP4 has a second zero, which is left out.
    this.sorted =
        IntStream.range(0, fractions.length)
            .filter(code -> code == 0 || fractions[code] != fractions[0])
            .boxed()
            .sorted(Comparator.comparingDouble(code -> fractions[code]))
            .mapToInt(Integer::intValue)
            .toArray();
    this.middles = new double[sorted.length - 1];
    Arrays.setAll(
        middles, i -> ((double) fractions[sorted[i]] + (double) fractions[sorted[i + 1]]) / 2);
  }

  /** The table with this number in {@code MatMulBnb4}: FP4 for 0, else NF4. */
  public static Bnb4Codes of(long quantType) {
    return quantType == 0 ? FP4 : NF4;
  }

  /** The operator's number of this table. */
  public long quantType() {
    return this == FP4 ? 0 : 1;
  }

  /** The fractions by code. */
  public float[] fractions() {
    return fractions.clone();
  }

  /** The code whose fraction is nearest. */
  int nearest(double fraction) {
    int place = Arrays.binarySearch(middles, fraction);
    return sorted[place < 0 ? -place - 1 : place];
  }

  /** The greatest step between two neighbours. */
  double widestGap() {
    double widest = 0;
    for (int i = 1; i < sorted.length; i++) {
      widest = Math.max(widest, fractions[sorted[i]] - fractions[sorted[i - 1]]);
    }
    return widest;
  }

  /** What a byte stands for, {@code [256, 2]}: its high bits are the first code. */
  public float[] pairs() {
    float[] pairs = new float[512];
    for (int octet = 0; octet < 256; octet++) {
      pairs[2 * octet] = fractions[octet >> 4];
      pairs[2 * octet + 1] = fractions[octet & 15];
    }
    return pairs;
  }

  @Override
  public String toString() {
    return name;
  }
}
