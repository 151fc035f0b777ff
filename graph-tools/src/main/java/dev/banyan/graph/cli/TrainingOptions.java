package dev.banyan.graph.cli;

import dev.banyan.graph.Emission;
import dev.banyan.graph.TrainingChoice;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How the graphs of training are made, as options of {@code banyan prepare}. */
final class TrainingOptions {
  @Option(
      names = "--gradients",
      defaultValue = "fused",
      converter = EmissionName.class,
      paramLabel = "KIND",
      description =
          "Operators of the backward pass: plain for ONNX's own alone, fused to add ONNX Runtime's where they are faster, training to add those that only its training build has (default: ${DEFAULT-VALUE}).")
  private Emission gradients = Emission.FUSED;

  @Option(
      names = "--recompute",
      description =
          "Run the layers again in the backward pass instead of keeping what they make: less memory, longer steps (gradient checkpointing).")
  private boolean recompute;

  @Option(
      names = "--gang",
      description =
          "Also write the graph that trains several adapters together, which 'train --jobs' needs; not for embedding and causal-lm.")
  private boolean gang;

  TrainingChoice choice() {
    return new TrainingChoice(gradients, recompute, gang);
  }

  private static final class EmissionName implements ITypeConverter<Emission> {
    @Override
    public Emission convert(String text) {
      return Emission.of(text)
          .orElseThrow(
              () ->
                  new TypeConversionException(
                      "expected plain, fused or training, but was '" + text + "'"));
    }
  }
}
