package dev.banyan.graph.quantize;

/** What the numbers of a weight become. The names are the command line's. */
public enum Scheme {
  /** 4-bit codes whose steps a normal distribution fills equally (arXiv:2305.14314). */
  NF4(4, 64),
  /** 4-bit floating-point codes. */
  FP4(4, 64),
  /** Whole numbers of 4 bits. */
  INT4(4, 32),
  /** Whole numbers of 8 bits. */
  INT8(8, 32);

  private final int bits;
  private final int defaultBlock;

  Scheme(int bits, int defaultBlock) {
    this.bits = bits;
    this.defaultBlock = defaultBlock;
  }

  /** Bits of a number. */
  public int bits() {
    return bits;
  }

  /** Numbers that share a scale, where nobody chose. */
  public int defaultBlock() {
    return defaultBlock;
  }

  /** True for codes of a table, false for whole numbers. */
  public boolean isOfCodes() {
    return this == NF4 || this == FP4;
  }
}
