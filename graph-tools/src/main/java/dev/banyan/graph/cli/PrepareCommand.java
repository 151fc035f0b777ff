package dev.banyan.graph.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleFile;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.EmbeddingInfo;
import dev.banyan.artifacts.bundle.EmbeddingInfo.Objective;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.Precision;
import dev.banyan.graph.PrepareReport;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.LanguageChoice;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.PrepareRequest.WeightChoice;
import dev.banyan.graph.adapter.BaseWeightChoice;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code banyan prepare}: makes a bundle of a model. */
@Command(
    name = "prepare",
    mixinStandardHelpOptions = true,
    description = {
      "Prepare a bundle of an ONNX encoder or decoder, once for each base model and set of adapted"
          + " layers.",
      "Any number of adapters of any rank and any labels are then trained from it and served on it."
    })
public final class PrepareCommand implements Callable<Integer> {
  private static final int SHOWN_RANK = 8;
  private static final double MIB = 1 << 20;

  @Spec @Nullable CommandSpec spec;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "M.onnx",
      description =
          "An encoder with a vector for each token as output, or for causal-lm a decoder with"
              + " logits; float32, or with int4 weights.")
  @Nullable Path model;

  @Option(
      names = "--tokenizer",
      required = true,
      paramLabel = "tokenizer.json",
      description = "The model's own tokenizer in Hugging Face's format.")
  @Nullable Path tokenizer;

  @Option(
      names = "--task",
      required = true,
      converter = TaskName.class,
      paramLabel = "TASK",
      description =
          "What adapters learn: text-classification, multi-label, regression, token-classification,"
              + " embedding or causal-lm.")
  @Nullable Task task;

  @Option(
      names = "--targets",
      required = true,
      paramLabel = "TARGETS",
      description =
          "Layers to adapt: names such as query,value; all-linear; or a regular expression over"
              + " module paths. 'banyan inspect' lists them.")
  @Nullable String targets;

  @Option(
      names = "--exclude",
      paramLabel = "NAMES",
      description = "Layers to leave out, named as in --targets.")
  @Nullable String exclude;

  @Option(
      names = "--layers",
      paramLabel = "RANGE",
      description = "Only these encoder layers, such as 2-5 or 0,2,4.")
  @Nullable String layers;

  @Option(
      names = "--bias",
      defaultValue = "none",
      converter = BiasName.class,
      paramLabel = "BIASES",
      description =
          "Biases of the base that each adapter trains too, as in PEFT: none, all, or lora_only for those of the adapted layers (default: ${DEFAULT-VALUE}).")
  BiasTraining bias = BiasTraining.NONE;

  @Option(
      names = {"--modules-to-save", "--save-modules"},
      split = ",",
      paramLabel = "NAMES",
      description =
          "Modules of the base that each adapter trains and keeps whole, as in PEFT, such as pooler.dense; a classifier's head always is.")
  List<String> modulesToSave = List.of();

  @Option(
      names = "--pooling",
      defaultValue = "mean",
      converter = PoolingName.class,
      paramLabel = "POOLING",
      description =
          "How token vectors become one: mean, cls or pooler (default: ${DEFAULT-VALUE}).")
  Pooling pooling = Pooling.MEAN;

  @Mixin TrainingOptions training = new TrainingOptions();

  @Option(
      names = "--objective",
      converter = ObjectiveName.class,
      paramLabel = "KIND",
      description =
          "What embeddings are learned from: pairs, triplets (with a negative each) or scored"
              + " (pairs with a score); embedding task only (default: pairs).")
  @Nullable Objective objective;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "What the similarities of pairs and triplets are divided by (default: 0.05).")
  @Nullable Double temperature;

  @Option(
      names = "--max-length",
      paramLabel = "N",
      description =
          "Tokens after which a text is cut (default: 256, or less if the model has fewer"
              + " positions).")
  @Nullable Integer maxLength;

  @Option(
      names = "--end-of-text",
      paramLabel = "TOKEN",
      description =
          "For causal-lm: the token that ends a text (default: what the files beside the tokenizer"
              + " say).")
  @Nullable String endOfText;

  @Option(
      names = "--chat-format",
      paramLabel = "FORMAT",
      description =
          "For causal-lm: how conversations are written: chatml, or a JSON file of start,"
              + " default_system and roles (default: the ChatML template beside the tokenizer, if"
              + " there is one).")
  @Nullable String chatFormat;

  @Option(
      names = "--dequantize",
      description =
          "Make floats of quantized weights, for four to eight times the memory; without it"
              + " adapters learn on the weights as they are.")
  boolean dequantize;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "BUNDLE",
      description = "The folder to make; an older bundle there is replaced.")
  @Nullable Path out;

  @Option(names = "--json", description = "Print one JSON object and nothing else.")
  boolean json;

  /** A command that picocli fills. */
  public PrepareCommand() {}

  @Override
  public Integer call() {
    PrepareReport report = GraphTools.prepare(request());
    PrintWriter console = given(spec).commandLine().getOut();
    if (json) {
      console.println(JsonText.line(asJson(report)));
    } else {
      print(report, console);
    }
    console.flush();
    return 0;
  }

  private PrepareRequest request() {
    if (training.choice().gang() && given(task).head() == Task.Head.NONE) {
      throw refused("--gang is not for the task " + given(task).text());
    }
    if (training.choice().gang() && training.choice().precision() != Precision.FP32) {
      throw refused("--gang is for --precision fp32");
    }
    return new PrepareRequest(
        given(model),
        given(tokenizer),
        given(task),
        new SiteChoice(given(targets), Optional.ofNullable(exclude), Optional.ofNullable(layers)),
        pooling,
        training.choice(),
        maxLength == null ? OptionalInt.empty() : OptionalInt.of(maxLength),
        given(out),
        embedding(),
        new LanguageChoice(Optional.ofNullable(endOfText), Optional.ofNullable(chatFormat)),
        new WeightChoice(dequantize),
        new BaseWeightChoice(bias, modulesToSave));
  }

  private EmbeddingInfo embedding() {
    boolean used = task == Task.EMBEDDING;
    if (!used && (objective != null || temperature != null)) {
      throw refused("--objective and --temperature are for the task embedding alone");
    }
    Objective kind = objective == null ? Objective.PAIRS : objective;
    if (kind == Objective.SCORED && temperature != null) {
      throw refused("--temperature is for pairs and triplets; scored pairs have none");
    }
    try {
      return new EmbeddingInfo(kind, temperature == null ? EmbeddingInfo.TEMPERATURE : temperature);
    } catch (IllegalArgumentException e) {
      throw refused("--" + e.getMessage());
    }
  }

  private ParameterException refused(String message) {
    return new ParameterException(given(spec).commandLine(), message);
  }

  /** Picocli has set what is required before it calls the command. */
  private static <T> T given(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("A required option was not set");
    }
    return value;
  }

  private static void print(PrepareReport report, PrintWriter console) {
    BundleManifest manifest = report.bundle().manifest();
    boolean language = manifest.task() == Task.CAUSAL_LM;
    int sites = manifest.adapter().sites().size();
    console.printf(
        Locale.ROOT, "Prepared %s for %s%n", manifest.base().name(), manifest.task().text());
    console.printf(Locale.ROOT, "  %d sites (%s)%n", sites, manifest.adapter().targets());
    manifest.adapter().sites().forEach(site -> console.println("    " + site));
    console.printf(
        Locale.ROOT,
        "  trainable parameters  %,d at rank %d%s = %,d x rank%s%s%n",
        report.trainableParameters(SHOWN_RANK, manifest.task().exampleLabels()),
        SHOWN_RANK,
        labelsShown(manifest),
        report.parametersForEachRank(),
        report.parametersForEachLabel() == 0
            ? ""
            : String.format(Locale.ROOT, " + %,d x labels", report.parametersForEachLabel()),
        report.parametersOfBase() == 0
            ? ""
            : String.format(Locale.ROOT, " + %,d of the base", report.parametersOfBase()));
    console.printf(
        Locale.ROOT, "  frozen parameters     %,d%n", manifest.base().frozenParameters());
    console.printf(
        Locale.ROOT,
        "  texts                 %s, up to %d tokens%n",
        language ? "the next token" : manifest.text().pooling().text() + " pooling",
        manifest.text().maxLength());
    manifest
        .files()
        .forEach(
            (name, file) ->
                console.printf(Locale.ROOT, "  %-21s %9.2f MiB%n", name, file.bytes() / MIB));
    console.printf(
        Locale.ROOT,
        "  self-check            %s differ from the original model's by %.1e at most%n",
        language ? "logarithms of probabilities" : "embeddings",
        report.difference());
    console.printf(
        Locale.ROOT,
        "  %.1f s, written to %s%n",
        report.time().toMillis() / 1000.0,
        report.bundle().dir());
  }

  private static String labelsShown(BundleManifest manifest) {
    Task task = manifest.task();
    return switch (task.exampleLabels()) {
      case 0 -> "";
      case 1 -> " with one output";
      default -> " with " + task.exampleLabels() + " labels";
    };
  }

  private static ObjectNode asJson(PrepareReport report) {
    Bundle bundle = report.bundle();
    BundleManifest manifest = bundle.manifest();
    ObjectNode object =
        JsonText.object()
            .put("bundle", bundle.dir().toString())
            .put("task", manifest.task().text())
            .put("base_digest", manifest.base().digest().toString())
            .put("targets", manifest.adapter().targets())
            .put("peft_prefix", manifest.adapter().peftPrefix())
            .put("pooling", manifest.text().pooling().text())
            .put("max_length", manifest.text().maxLength())
            .put("hidden", manifest.base().hidden())
            .put("frozen_parameters", manifest.base().frozenParameters())
            .put(
                "trainable_parameters_rank_8",
                report.trainableParameters(SHOWN_RANK, manifest.task().exampleLabels()))
            .put("parameters_per_rank", report.parametersForEachRank())
            .put("parameters_per_label", report.parametersForEachLabel())
            .put("parameters_of_base", report.parametersOfBase())
            .put("bias", manifest.adapter().bias().text())
            .put("difference", report.difference())
            .put("seconds", report.time().toMillis() / 1000.0)
            .put("bytes", manifest.files().values().stream().mapToLong(BundleFile::bytes).sum());
    manifest
        .embedding()
        .ifPresent(
            info ->
                object
                    .put("objective", info.objective().text())
                    .put("temperature", info.temperature()));
    ArrayNode sites = object.putArray("sites");
    manifest.adapter().sites().forEach(sites::add);
    ObjectNode files = object.putObject("files");
    manifest.files().forEach((name, file) -> files.put(name, file.bytes()));
    return object;
  }

  /** An option whose values have names. */
  private abstract static class Named<T> implements ITypeConverter<T> {
    private final Function<String, Optional<T>> names;
    private final String expected;

    Named(Function<String, Optional<T>> names, String expected) {
      this.names = names;
      this.expected = expected;
    }

    @Override
    public T convert(String text) {
      return names
          .apply(text)
          .orElseThrow(
              () ->
                  new TypeConversionException("expected " + expected + ", but was '" + text + "'"));
    }
  }

  private static final class TaskName extends Named<Task> {
    TaskName() {
      super(Task::of, Task.names());
    }
  }

  private static final class ObjectiveName extends Named<Objective> {
    ObjectiveName() {
      super(Objective::of, "pairs, triplets or scored");
    }
  }

  private static final class BiasName extends Named<BiasTraining> {
    BiasName() {
      super(BiasTraining::of, "none, all or lora_only");
    }
  }

  private static final class PoolingName extends Named<Pooling> {
    PoolingName() {
      super(Pooling::of, "mean, cls or pooler");
    }
  }
}
