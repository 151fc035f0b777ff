package dev.banyan.graph.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MergeReport;
import dev.banyan.graph.MergeRequest;
import dev.banyan.graph.export.AdapterExport;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code banyan export}: an adapter in the form of another program. */
@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Write an adapter in the form of another program.",
    footer = {
      "",
      "onnx_adapter  ONNX Runtime's file: make it active in the run options of a session over the",
      "              bundle's serving_model.onnx, and feed the text and adapter_ids of zeros.",
      "peft          a PEFT folder with nothing of Banyan in it.",
      "onnx          base and adapter in one model, as 'banyan merge' makes it."
    })
public final class ExportCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--adapter",
      required = true,
      paramLabel = "DIR",
      description = "Adapter made by 'banyan train' or by PEFT.")
  private Path adapter = Path.of("");

  @Option(
      names = "--format",
      required = true,
      paramLabel = "FORMAT",
      description = "onnx_adapter, peft or onnx.")
  private Format format = Format.PEFT;

  @Option(
      names = "--bundle",
      paramLabel = "DIR",
      description = "Bundle that the adapter is for; needed for onnx_adapter and onnx.")
  private @Nullable Path bundle;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "PATH",
      description = "The file to make, or the folder for peft.")
  private Path out = Path.of("");

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "f32",
      description =
          "For peft: precision of the tensors, f32, f16 or bf16 (default: ${DEFAULT-VALUE}).")
  private Precision precision = Precision.F32;

  @Option(
      names = "--base-model",
      paramLabel = "NAME",
      description = "For peft: the base's name on the hub, so that PEFT finds it by itself.")
  private @Nullable String baseModel;

  @Option(names = "--json", description = "Print one JSON object and nothing else.")
  private boolean json;

  /** What an adapter can be written as; the names are the command line's. */
  enum Format {
    /** ONNX Runtime's adapter file. */
    ONNX_ADAPTER,
    /** A plain PEFT folder. */
    PEFT,
    /** A merged model. */
    ONNX
  }

  /** Precisions of safetensors, by their names there. */
  enum Precision {
    /** 32 bits. */
    F32(DType.FLOAT),
    /** 16 bits. */
    F16(DType.FLOAT16),
    /** The upper 16 bits of 32. */
    BF16(DType.BFLOAT16);

    private final DType type;

    Precision(DType type) {
      this.type = type;
    }
  }

  /** A command with default flags; picocli sets the others. */
  public ExportCommand() {}

  @Override
  public Integer call() {
    PrintWriter screen = Objects.requireNonNull(spec).commandLine().getOut();
    switch (format) {
      case ONNX_ADAPTER ->
          report(screen, new AdapterExport(adapter).toOnnxAdapter(requireBundle(), out));
      case PEFT ->
          report(
              screen,
              new AdapterExport(adapter)
                  .toPeft(precision.type, Optional.ofNullable(baseModel), out));
      case ONNX -> report(screen, merge());
    }
    screen.flush();
    return 0;
  }

  private MergeReport merge() {
    return GraphTools.merge(new MergeRequest(requireBundle(), adapter, out, false));
  }

  private Path requireBundle() {
    if (bundle == null) {
      throw new ParameterException(
          Objects.requireNonNull(spec).commandLine(),
          "--bundle is needed for --format " + format.name().toLowerCase(Locale.ROOT));
    }
    return bundle;
  }

  private void report(PrintWriter screen, MergeReport report) {
    if (json) {
      print(screen, MergeCommand.asJson(report));
    } else {
      MergeCommand.print(report, screen);
    }
  }

  private void report(PrintWriter screen, int tensors) {
    if (json) {
      print(screen, JsonText.object().put("out", out.toString()).put("tensors", tensors));
    } else {
      screen.printf(Locale.ROOT, "%d tensors, written to %s%n", tensors, out);
    }
  }

  private static void print(PrintWriter screen, ObjectNode object) {
    screen.println(JsonText.line(object));
  }
}
