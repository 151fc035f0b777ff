package dev.banyan.runtime.cli;

import dev.banyan.runtime.data.BatchOrder;
import dev.banyan.runtime.data.BatchSize;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.training.AdamW;
import dev.banyan.runtime.training.ClassWeights;
import dev.banyan.runtime.training.Compute;
import dev.banyan.runtime.training.EngineKind;
import dev.banyan.runtime.training.Evaluations;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.LossPlan;
import dev.banyan.runtime.training.Passes;
import dev.banyan.runtime.training.TrainingPlan;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How to train, as flags. */
final class TrainingFlags {
  @Mixin private AdapterFlags adapter = new AdapterFlags();

  @Option(
      names = "--lora-plus-ratio",
      paramLabel = "RATIO",
      defaultValue = "1",
      description =
          "LoRA+: B and every vector learn at RATIO times the learning rate (default: ${DEFAULT-VALUE}).")
  private double loraPlusRatio;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      defaultValue = "3",
      description = "Passes over the data (default: ${DEFAULT-VALUE}).")
  private int epochs;

  @Option(
      names = "--max-steps",
      paramLabel = "N",
      defaultValue = "0",
      description = "Most steps; 0 for no limit beside the epochs (default: ${DEFAULT-VALUE}).")
  private int maxSteps;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      defaultValue = "16",
      description = "Texts (or pairs) a step (default: ${DEFAULT-VALUE}).")
  private int batchSize;

  @Option(
      names = "--batch-tokens",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Instead of --batch-size: as many texts as fit into N tokens, padding included, so that"
              + " every batch costs the same.")
  private int batchTokens;

  @Option(
      names = "--order",
      paramLabel = "ORDER",
      defaultValue = "by-length",
      description =
          "Which texts share a batch: by-length (those of like length, to spend little on padding)"
              + " or shuffled (default: ${DEFAULT-VALUE}).")
  private String order = "by-length";

  @Option(
      names = "--accumulation",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "Batches whose gradients are added up for one step (default: ${DEFAULT-VALUE}).")
  private int accumulation;

  @Option(
      names = "--pad-to",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Pad every batch to at least N tokens; 0 for its longest text (default:"
              + " ${DEFAULT-VALUE}).")
  private int padTo;

  @Option(
      names = "--pack",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "causal-lm: texts share rows of N tokens, which a batch then counts, and do not see each other; 0 for a row to each text (default: ${DEFAULT-VALUE}).")
  private int pack;

  @Option(
      names = "--learning-rate",
      paramLabel = "RATE",
      defaultValue = "2e-4",
      description = "Highest step size (default: ${DEFAULT-VALUE}).")
  private double learningRate;

  @Option(
      names = "--schedule",
      paramLabel = "NAME",
      defaultValue = "linear",
      description =
          "How the step size falls after the warm-up: linear, cosine or constant (default:"
              + " ${DEFAULT-VALUE}).")
  private String schedule = "linear";

  @Option(
      names = "--warmup",
      paramLabel = "SHARE",
      defaultValue = "0.1",
      description = "Share of the steps spent rising to it (default: ${DEFAULT-VALUE}).")
  private double warmup;

  @Option(
      names = "--weight-decay",
      paramLabel = "W",
      defaultValue = "0.01",
      description = "AdamW's weight decay (default: ${DEFAULT-VALUE}).")
  private double weightDecay;

  @Option(
      names = "--clip",
      paramLabel = "NORM",
      defaultValue = "1.0",
      description = "Most the gradients' norm may be; 0 for no limit (default: ${DEFAULT-VALUE}).")
  private double clip;

  @Option(
      names = "--label-smoothing",
      paramLabel = "S",
      defaultValue = "0",
      description =
          "Share of each label that is spread over all (text and token classification; default: ${DEFAULT-VALUE}).")
  private double labelSmoothing;

  @Option(
      names = "--class-weights",
      paramLabel = "WEIGHTS",
      description =
          "How much each label counts: balanced (the rarer the more), or a JSON file {\"label\": weight, ..} (text and token classification; default: all the same).")
  private @Nullable String classWeights;

  @Option(
      names = "--eval-every",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "With --eval: judge after every N steps; 0 for each epoch (default: ${DEFAULT-VALUE}).")
  private int evalEvery;

  @Option(
      names = "--patience",
      paramLabel = "N",
      defaultValue = "3",
      description =
          "With --eval: stop after N evaluations without a better result (default:"
              + " ${DEFAULT-VALUE}).")
  private int patience;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "42",
      description =
          "Decides start values and order; the same seed gives the same bytes (default:"
              + " ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--engine",
      paramLabel = "NAME",
      defaultValue = "session",
      description =
          "What computes: session, or ort-training for ONNX Runtime's training API (default:"
              + " ${DEFAULT-VALUE}).")
  private String engine = "session";

  @Option(
      names = "--prefix-cache",
      paramLabel = "MIB",
      defaultValue = "2048",
      description =
          "Most MiB to keep on disk of what is below the lowest adapter, which later epochs then do"
              + " not compute again; 0 for none (default: ${DEFAULT-VALUE}).")
  private int prefixCache;

  /**
   * The plan these flags ask for.
   *
   * @throws IllegalArgumentException that names the flag that is out of range
   */
  TrainingPlan plan(SessionSettings settings) {
    return new TrainingPlan(
        adapter.plan(),
        new Passes(epochs, maxSteps, batch(), accumulation, padTo, pack, order()),
        rate(),
        new AdamW(weightDecay, clip, loraPlusRatio),
        new LossPlan(
            labelSmoothing,
            classWeights == null ? new ClassWeights.Equal() : ClassWeights.parse(classWeights)),
        new Evaluations(evalEvery, patience),
        seed,
        new Compute(engine(), settings, prefixCache));
  }

  private BatchSize batch() {
    return batchTokens == 0 ? new BatchSize.Examples(batchSize) : new BatchSize.Tokens(batchTokens);
  }

  private BatchOrder order() {
    return BatchOrder.of(order)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "order is '" + order + "'; expected by-length or shuffled"));
  }

  private EngineKind engine() {
    return EngineKind.of(engine)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "engine is '" + engine + "'; expected session or ort-training"));
  }

  private LearningRate rate() {
    return switch (schedule) {
      case "linear" -> new LearningRate.Linear(learningRate, warmup);
      case "cosine" -> new LearningRate.Cosine(learningRate, warmup);
      case "constant" -> new LearningRate.Constant(learningRate, warmup);
      default ->
          throw new IllegalArgumentException(
              "schedule is '" + schedule + "'; expected linear, cosine or constant");
    };
  }
}
