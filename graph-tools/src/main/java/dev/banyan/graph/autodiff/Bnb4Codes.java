package dev.banyan.graph.autodiff;

/**
 * What the 16 codes of a 4-bit weight stand for, as fractions of a block's greatest magnitude
 * (Dettmers et al., 2023, arXiv:2305.14314).
 */
public final class Bnb4Codes {
  private static final float[] FLOAT = {
    0, 0.0052083335f, 0.6666667f, 1, 0.33333334f, 0.5f, 0.16666667f, 0.25f,
    0, -0.0052083335f, -0.6666667f, -1, -0.33333334f, -0.5f, -0.16666667f, -0.25f
  };
  private static final float[] NORMAL_FLOAT = {
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
    1
  };

  private Bnb4Codes() {}

  /**
   * The fractions by code.
   *
   * @param quantType 0 for FP4, 1 for NF4
   */
  public static float[] fractions(long quantType) {
    return (quantType == 0 ? FLOAT : NORMAL_FLOAT).clone();
  }

  /** What a byte stands for, {@code [256, 2]}: its high bits are the first code. */
  static float[] pairs(long quantType) {
    float[] fractions = fractions(quantType);
    float[] pairs = new float[512];
    for (int octet = 0; octet < 256; octet++) {
      pairs[2 * octet] = fractions[octet >> 4];
      pairs[2 * octet + 1] = fractions[octet & 15];
    }
    return pairs;
  }
}
