package dev.banyan.runtime.training;

/**
 * How parameters are updated: AdamW (Loshchilov and Hutter, 2019, arXiv:1711.05101) in PyTorch's
 * form, with betas 0.9 and 0.999 and epsilon 1e-8.
 *
 * @param weightDecay decoupled weight decay, from 0 to below 1; biases are not decayed
 * @param clip most the global L2 norm of the gradients may be; 0 for no clipping
 * @param loraPlusRatio how many times the learning rate LoRA's B takes (LoRA+, Hayou et al., 2024,
 *     arXiv:2402.12354), and as in PEFT every vector; 1 for the same as all others
 */
public record AdamW(double weightDecay, double clip, double loraPlusRatio) {
  static final double BETA_1 = 0.9;
  static final double BETA_2 = 0.999;
  static final double EPSILON = 1e-8;

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  public AdamW {
    Require.that(weightDecay >= 0 && weightDecay < 1, "weight-decay", weightDecay, "0 to below 1");
    Require.that(clip >= 0 && Double.isFinite(clip), "clip", clip, "0 (no clipping) or more");
    Require.that(
        loraPlusRatio > 0 && Double.isFinite(loraPlusRatio),
        "lora-plus-ratio",
        loraPlusRatio,
        "above 0");
  }

  /** Decay 0.01, clipping at 1, one learning rate for all. */
  public static AdamW defaults() {
    return new AdamW(0.01, 1, 1);
  }
}
