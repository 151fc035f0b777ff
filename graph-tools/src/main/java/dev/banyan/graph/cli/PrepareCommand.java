package dev.banyan.graph.cli;

import dev.banyan.artifacts.bundle.EmbeddingInfo;
import dev.banyan.artifacts.bundle.EmbeddingInfo.Objective;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.LanguageChoice;
import dev.banyan.graph.PrepareRequest.WeightChoice;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

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

  @Mixin MethodOptions methods = new MethodOptions();

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
    PrepareOutput output = new PrepareOutput(GraphTools.prepare(request()));
    PrintWriter console = given(spec).commandLine().getOut();
    if (json) {
      console.println(JsonText.line(output.toJson()));
    } else {
      output.print(console);
    }
    console.flush();
    return 0;
  }

  private PrepareRequest request() {
    try {
      return new PrepareRequest(
          given(model),
          given(tokenizer),
          given(task),
          methods.choices(),
          pooling,
          training.choice(),
          maxLength == null ? OptionalInt.empty() : OptionalInt.of(maxLength),
          given(out),
          embedding(),
          new LanguageChoice(Optional.ofNullable(endOfText), Optional.ofNullable(chatFormat)),
          new WeightChoice(dequantize),
          methods.held());
    } catch (IllegalArgumentException e) {
      throw refused("--" + e.getMessage());
    }
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
    return new EmbeddingInfo(kind, temperature == null ? EmbeddingInfo.TEMPERATURE : temperature);
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

  private static final class TaskName extends NamedConverter<Task> {
    TaskName() {
      super(Task::of, Task.names());
    }
  }

  private static final class ObjectiveName extends NamedConverter<Objective> {
    ObjectiveName() {
      super(Objective::of, "pairs, triplets or scored");
    }
  }

  private static final class PoolingName extends NamedConverter<Pooling> {
    PoolingName() {
      super(Pooling::of, "mean, cls or pooler");
    }
  }
}
