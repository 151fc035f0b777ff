package dev.banyan.graph.cli;

import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.QuantizeReport;
import dev.banyan.graph.QuantizeRequest;
import dev.banyan.graph.QuantizeRequest.Destination;
import dev.banyan.graph.quantize.LayerChoice;
import dev.banyan.graph.quantize.Quantization;
import dev.banyan.graph.quantize.Scheme;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code banyan quantize}: a model with weights of few bits. */
@Command(
    name = "quantize",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Store the weights of a model's linear layers in 4 or 8 bits, in blocks that share a scale.",
      "The result is prepared, trained on, served and merged into like any other model (QLoRA)."
    },
    footer = {
      "",
      "nf4   4-bit codes for weights that are about normally distributed (MatMulBnb4)",
      "fp4   4-bit floating point (MatMulBnb4)",
      "int4  whole numbers of 4 bits (MatMulNBits)",
      "int8  whole numbers of 8 bits (MatMulNBits)"
    })
public final class QuantizeCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "M.onnx",
      description = "The model of floats, of any size.")
  private Path model = Path.of("");

  @Option(
      names = "--scheme",
      required = true,
      paramLabel = "SCHEME",
      description = "What weights become: nf4, fp4, int4 or int8.")
  private Scheme scheme = Scheme.NF4;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "Q.onnx",
      description = "The model file to make; an older one there is replaced.")
  private Path out = Path.of("");

  @Option(
      names = "--block-size",
      paramLabel = "N",
      description =
          "Numbers that share a scale, a power of two from 16 on (default: 64 for nf4 and fp4, 32"
              + " for int4 and int8).")
  private @Nullable Integer block;

  @Option(
      names = "--double-quant",
      description = "For nf4 and fp4: store the scales in 8 bits too, as QLoRA does.")
  private boolean doubleQuantized;

  @Option(
      names = "--zero-points",
      description =
          "For int4 and int8: let the range of a block begin anywhere, not only at both sides of"
              + " zero.")
  private boolean zeroPoints;

  @Option(names = "--include-head", description = "Quantize the output head too.")
  private boolean head;

  @Option(
      names = "--include-embeddings",
      description = "Quantize the table of token embeddings too: in 4 bits for int4, else in 8.")
  private boolean embeddings;

  @Option(
      names = "--exclude",
      paramLabel = "NAMES",
      description = "Layers to leave as they are, named as in 'banyan prepare --targets'.")
  private @Nullable String exclude;

  @Option(
      names = "--external-data",
      description =
          "Put the weights into Q.onnx.data beside the model, as is always done from 2 GiB on and"
              + " where the model has them so.")
  private boolean externalData;

  @Option(names = "--json", description = "Print one JSON object and nothing else.")
  private boolean json;

  /** A command with default flags; picocli sets the others. */
  public QuantizeCommand() {}

  @Override
  public Integer call() {
    QuantizeReport report =
        GraphTools.quantize(
            new QuantizeRequest(
                model,
                quantization(),
                new LayerChoice(head, embeddings, Optional.ofNullable(exclude)),
                new Destination(out, externalData)));
    PrintWriter screen = Objects.requireNonNull(spec).commandLine().getOut();
    if (json) {
      screen.println(JsonText.line(QuantizeOutput.asJson(report)));
    } else {
      QuantizeOutput.print(report, screen);
    }
    screen.flush();
    return 0;
  }

  private Quantization quantization() {
    try {
      int numbers = block == null ? scheme.defaultBlock() : block;
      return new Quantization(scheme, numbers, zeroPoints, doubleQuantized);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(
          Objects.requireNonNull(spec).commandLine(), String.valueOf(e.getMessage()), e);
    }
  }
}
