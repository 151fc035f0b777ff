package dev.banyan.graph.cli;

import dev.banyan.graph.Emission;
import dev.banyan.graph.Precision;
import dev.banyan.graph.TrainingChoice;
import picocli.CommandLine.Option;

/** How the graphs of training are made, as options of {@code banyan prepare}. */
final class TrainingOptions {
  @Option(
      names = "--gradients",
      defaultValue = "fused",
      converter = EmissionName.class,
      paramLabel = "KIND",
      description =
          "Operators of the backward pass: plain for ONNX's own alone, fused to add ONNX Runtime's"
              + " where they are faster, training to add those that only its training build has"
              + " (default: ${DEFAULT-VALUE}).")
  private Emission gradients = Emission.FUSED;

  @Option(
      names = "--recompute",
      description =
          "Run the layers again in the backward pass instead of keeping what they make: less"
              + " memory, longer steps (gradient checkpointing).")
  private boolean recompute;

  @Option(
      names = "--gang",
      description =
          "Also write the graph that trains several adapters together, which 'train --jobs' needs;"
              + " not for embedding and causal-lm.")
  private boolean gang;

  @Option(
      names = "--lora-dropout",
      description = "Let 'banyan train --lora-dropout P' drop part of what adapters read.")
  private boolean dropout;

  @Option(
      names = "--precision",
      defaultValue = "fp32",
      converter = PrecisionName.class,
      paramLabel = "P",
      description =
          "Numbers in which training computes products: fp32; or fp16 or bf16 for --device cuda,"
              + " with weights of half the size (default: ${DEFAULT-VALUE}).")
  private Precision precision = Precision.FP32;

  TrainingChoice choice() {
    return new TrainingChoice(gradients, recompute, gang, precision, dropout);
  }

  private static final class PrecisionName extends NamedConverter<Precision> {
    PrecisionName() {
      super(Precision::of, "fp32, fp16 or bf16");
    }
  }

  private static final class EmissionName extends NamedConverter<Emission> {
    EmissionName() {
      super(Emission::of, "plain, fused or training");
    }
  }
}
