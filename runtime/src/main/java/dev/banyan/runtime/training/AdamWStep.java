package dev.banyan.runtime.training;

/**
 * What one AdamW update computes with, in PyTorch's order.
 *
 * @param keep what a value is multiplied by: weight decay
 * @param clip what the gradient is multiplied by first
 * @param size of the step, with the correction of the mean's bias; negative, as it goes downhill
 * @param root what the root of the mean square is divided by: the correction of its bias
 * @param epsilon what is added to that
 */
record AdamWStep(float keep, float clip, float size, float root, float epsilon) {
  static final float NEWER = (float) (1 - AdamW.BETA_1);
  static final float OLDER_2 = (float) AdamW.BETA_2;
  static final float NEWER_2 = (float) (1 - AdamW.BETA_2);
  private static final float LORA_FA_EPSILON = 1e-6f;

  /**
   * The update of this number.
   *
   * @param number from 1
   * @param rate step size of the parameter
   * @param decay weight decay of the parameter
   * @param clip what the gradient is multiplied by first
   */
  static AdamWStep of(long number, double rate, double decay, double clip) {
    return new AdamWStep(
        (float) (1 - rate * decay),
        (float) clip,
        (float) (-rate / (1 - Math.pow(AdamW.BETA_1, (double) number))),
        (float) Math.sqrt(1 - Math.pow(AdamW.BETA_2, (double) number)),
        (float) AdamW.EPSILON);
  }

  /**
   * The same as PEFT's optimizer for LoRA-FA makes it, which is AdamW as Transformers had it: with
   * a larger epsilon that is added before the correction, and with the decay behind the step.
   */
  AdamWStep ofLoraFa() {
    return new AdamWStep(keep, clip, size * keep, root, LORA_FA_EPSILON / root);
  }
}
