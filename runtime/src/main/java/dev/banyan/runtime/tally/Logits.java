package dev.banyan.runtime.tally;

/** What logits say. */
final class Logits {
  private Logits() {}

  /** The place of the highest of some values, counted from the first of them. */
  static int argmax(float[] values, int start, int count) {
    int best = 0;
    for (int i = 1; i < count; i++) {
      if (values[start + i] > values[start + best]) {
        best = i;
      }
    }
    return best;
  }

  /** {@code -log softmax(values)[right]}. */
  static double crossEntropy(float[] values, int start, int count, int right) {
    double highest = values[start + argmax(values, start, count)];
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += Math.exp(values[start + i] - highest);
    }
    return Math.log(sum) + highest - values[start + right];
  }

  /** {@code -log sigmoid(logit)} of a label that is right, of its opposite where it is wrong. */
  static double binaryCrossEntropy(double logit, boolean right) {
    double margin = right ? logit : -logit;
    return Math.max(-margin, 0) + Math.log1p(Math.exp(-Math.abs(margin)));
  }

  /** The scalar product of two vectors. */
  static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }
}
