package dev.banyan.graph.adapter;

import java.util.Map;

/**
 * The sizes of the factors of a layer's change in LoKr: {@code w1}, {@code [outerOut, outerIn]},
 * and {@code w2}, {@code [innerOut, innerIn]}, as PEFT chooses them.
 */
record KroneckerShape(int outerOut, int outerIn, int innerOut, int innerIn) {
  /**
   * The sizes for a layer.
   *
   * @param factor PEFT's {@code decompose_factor}: the outer size where it divides, else the most
   *     that it may be; -1 for as near to the square root as the divisors allow
   */
  static KroneckerShape of(long in, long out, int factor) {
    Map.Entry<Integer, Integer> outs = split(Math.toIntExact(out), factor);
    Map.Entry<Integer, Integer> ins = split(Math.toIntExact(in), factor);
    return new KroneckerShape(outs.getKey(), ins.getKey(), outs.getValue(), ins.getValue());
  }

  /** Two numbers whose product is the dimension. */
  private static Map.Entry<Integer, Integer> split(int dimension, int factor) {
    if (factor > 0 && dimension % factor == 0) {
      return Map.entry(factor, dimension / factor);
    }
    int most = factor < 0 ? dimension : factor;
    int small = 1;
    for (int divisor = 2; (long) divisor * divisor <= dimension && divisor <= most; divisor++) {
      if (dimension % divisor == 0) {
        small = divisor;
      }
    }
    return Map.entry(small, dimension / small);
  }

  /** From this rank on PEFT has w1 whole, if it is decomposed at all. */
  int wholeOuter() {
    return Math.ceilDiv(Math.max(outerOut, outerIn), 2);
  }

  /** From this rank on PEFT has w2 whole. */
  int wholeInner() {
    return Math.ceilDiv(Math.max(innerOut, innerIn), 2);
  }
}
