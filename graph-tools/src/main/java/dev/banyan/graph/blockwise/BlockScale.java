package dev.banyan.graph.blockwise;

/**
 * How a block's numbers are rounded: {@code (number - zero) * step}.
 *
 * @param step between two neighbours; below zero it turns the range around
 * @param zero the number that stands for zero
 * @param greatest number
 */
record BlockScale(float step, int zero, int greatest) {
  /**
   * A scale whose zero is in the middle, where there is one number more below than above it. So
   * either the greatest magnitude takes the end with one more, and what is as far on the other side
   * is cut off, or the last number stays unused; the one with the smaller squared error is taken.
   */
  static BlockScale symmetric(float[] block, int bits) {
    float furthest = 0;
    for (float value : block) {
      furthest = Math.abs(value) > Math.abs(furthest) ? value : furthest;
    }
    int middle = 1 << (bits - 1);
    int greatest = 2 * middle - 1;
    if (furthest == 0) {
      return new BlockScale(0, middle, greatest);
    }
    BlockScale whole = new BlockScale(furthest / -middle, middle, greatest);
    BlockScale even = new BlockScale(Math.abs(furthest) / (middle - 1), middle, greatest);
    return whole.error(block) <= even.error(block) ? whole : even;
  }

  /** A scale from the smallest to the greatest number of a block, or to zero. */
  static BlockScale withZeroPoint(float[] block, int bits) {
    float low = 0;
    float high = 0;
    for (float value : block) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    int greatest = (1 << bits) - 1;
    float step = (float) (((double) high - low) / greatest);
    int zero = step == 0 ? 0 : Math.clamp(Math.round(-(double) low / step), 0, greatest);
    return new BlockScale(step, zero, greatest);
  }

  /** The number that is nearest to a value. */
  int number(float value) {
    return step == 0 ? zero : Math.clamp(Math.round((double) value / step) + zero, 0, greatest);
  }

  private double error(float[] block) {
    double sum = 0;
    for (float value : block) {
      double apart = (double) (number(value) - zero) * step - value;
      sum += apart * apart;
    }
    return sum;
  }
}
