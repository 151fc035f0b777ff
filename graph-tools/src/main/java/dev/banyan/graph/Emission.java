package dev.banyan.graph;

import dev.banyan.graph.autodiff.GradientRules;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** In which operators gradients are written. */
public enum Emission {
  /** ONNX's own alone: for any runtime that knows the operator set. */
  PLAIN,
  /**
   * ONNX's own, and ONNX Runtime's fused operators of every build where they were measured faster.
   */
  FUSED,
  /** The same, and the gradient operators that only ONNX Runtime's training build has. */
  TRAINING;

  /** The name used on the command line. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The emission of this name. */
  public static Optional<Emission> of(String text) {
    return Arrays.stream(values()).filter(emission -> emission.text().equals(text)).findFirst();
  }

  /** The rules that write so. */
  public GradientRules rules() {
    return switch (this) {
      case PLAIN -> GradientRules.plainOnnx();
      case FUSED -> GradientRules.forOrt();
      case TRAINING -> GradientRules.withTrainingKernels();
    };
  }
}
