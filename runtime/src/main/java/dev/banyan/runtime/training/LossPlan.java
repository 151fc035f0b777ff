package dev.banyan.runtime.training;

/**
 * How answers count in training; text and token classification only.
 *
 * @param labelSmoothing how much of each label is spread over all labels, from 0 to below 1
 * @param classWeights how much each label counts
 */
public record LossPlan(double labelSmoothing, ClassWeights classWeights) {
  /**
   * Checks the range.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  public LossPlan {
    Require.that(
        labelSmoothing >= 0 && labelSmoothing < 1,
        "label-smoothing",
        labelSmoothing,
        "0 to below 1");
  }

  /** Every answer counts as it is. */
  public static LossPlan plain() {
    return new LossPlan(0, new ClassWeights.Equal());
  }

  /** Whether nothing is smoothed or weighted. */
  boolean isPlain() {
    return labelSmoothing == 0 && classWeights instanceof ClassWeights.Equal;
  }
}
