package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.integrity.WorkFolder;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.data.Batch.Padding;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.data.LabelSet;
import dev.banyan.runtime.data.ShuffledBatches;
import dev.banyan.runtime.data.TextTokenizer;
import dev.banyan.runtime.data.Vocabulary;
import dev.banyan.runtime.report.ProcessStats;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.IntUnaryOperator;

/**
 * Trains one adapter: the same bundle, data and plan give the same bytes.
 *
 * <p>After every epoch the adapter is put in its place as a whole if it is to be kept, so that a
 * run that is interrupted leaves the last one.
 */
public final class Trainer {
  private final Bundle bundle;
  private final TrainingPlan plan;
  private final StepLog listener;

  /**
   * A run over a bundle that tells a listener what happens.
   *
   * @throws IllegalArgumentException if the plan asks for rows longer than the bundle allows
   */
  public Trainer(Bundle bundle, TrainingPlan plan, TrainingListener listener) {
    int longest = bundle.manifest().text().maxLength();
    int padTo = plan.passes().padTo();
    if (padTo > longest) {
      throw new IllegalArgumentException(
          "pad-to is %d, but the bundle was prepared for texts of at most %d tokens"
              .formatted(padTo, longest));
    }
    if (plan.engine() == EngineKind.ORT_TRAINING) {
      requireOrtCan(plan);
    }
    this.bundle = bundle;
    this.plan = plan;
    this.listener = new StepLog(listener);
  }

  private static void requireOrtCan(TrainingPlan plan) {
    String other = "1 with --engine ort-training; --engine session can do more";
    int batches = plan.passes().accumulation();
    Require.that(batches == 1, "accumulation", batches, other);
    double ratio = plan.adamW().loraPlusRatio();
    Require.that(ratio == 1, "lora-plus-ratio", ratio, other);
  }

  /**
   * Runs.
   *
   * @param out folder of the adapter; an adapter that is there is replaced
   * @throws dev.banyan.runtime.RuntimeFailure if the data, the tokenizer or the run is at fault
   * @throws dev.banyan.artifacts.integrity.ArtifactException if the bundle is at fault
   */
  public TrainingReport train(TrainingData data, Path out) {
    long begin = System.nanoTime();
    AdapterOutput.requireFree(out);
    Optional<LabelSet> labels = labels(data.train());
    List<Tensor> start = start(labels);
    Keeper keeper;
    try (WorkFolder folder = WorkFolder.temporary("banyan-train-");
        TextTokenizer tokenizer = tokenizer()) {
      EncodedData train = encode(data.train(), labels, tokenizer);
      Feeder feeder = feeder(tokenizer);
      Optional<Evaluation> evaluation =
          data.eval()
              .map(held -> encode(held, labels, tokenizer))
              .map(held -> new Evaluation(held, feeder, plan.passes().batch()));
      AdapterOutput output = AdapterOutput.of(bundle.manifest(), plan, labels, out);
      keeper =
          new Keeper(
              evaluation,
              trained -> folder.whole(() -> output.write(trained.parameters())),
              plan.patience(),
              listener);
      try (TrainingEngine engine = engine(start, folder, evaluation.isPresent())) {
        loop(engine, train, feeder, keeper);
      }
    }
    return new TrainingReport(
        listener.losses(),
        listener.stepMillis(),
        keeper.best(),
        keeper.bestEpoch(),
        labels.map(LabelSet::names).orElse(List.of()),
        elements(start),
        bundle.manifest().base().frozenParameters(),
        listener.msPerStepMedian(),
        listener.tokensPerSecond(),
        listener.firstStepSeconds(),
        (System.nanoTime() - begin) / 1e9,
        ProcessStats.peakRssMib(),
        keeper.digest());
  }

  private void loop(TrainingEngine engine, EncodedData data, Feeder feeder, Keeper keeper) {
    Passes passes = plan.passes();
    ShuffledBatches batches = new ShuffledBatches(plan.seed(), passes.batch());
    int[] lengths = data.lengths();
    IntUnaryOperator stepsOfEpoch =
        epoch -> passes.stepsPerEpoch(batches.epoch(lengths, epoch).size());
    int perEpoch = stepsOfEpoch.applyAsInt(0);
    int total = passes.steps(stepsOfEpoch);
    listener.on(new TrainingEvent.Started(total, perEpoch));
    int step = 0;
    boolean worthwhile = true;
    for (int epoch = 1; step < total && worthwhile; epoch++) {
      List<List<Integer>> order = batches.epoch(lengths, epoch - 1);
      for (int first = 0; first < order.size() && step < total; first += passes.accumulation()) {
        int end = Math.min(order.size(), first + passes.accumulation());
        double rate = plan.learningRate().at(step, total);
        step++;
        Step next = new Step(step, epoch, rate);
        listener.on(next.run(engine, data, feeder, order.subList(first, end)));
      }
      worthwhile = keeper.epochEnded(engine, epoch);
      if (!worthwhile && step < total) {
        listener.on(new TrainingEvent.StoppedEarly(epoch));
      }
    }
  }

  private TextTokenizer tokenizer() {
    TextTokenizer tokenizer =
        new TextTokenizer(bundle.file(Bundle.TOKENIZER), bundle.manifest().text().maxLength());
    Vocabulary.rows(OnnxFile.read(bundle.file(Bundle.TRAINING_MODEL)))
        .ifPresent(tokenizer::requireFits);
    return tokenizer;
  }

  private Optional<LabelSet> labels(Dataset train) {
    return switch (bundle.manifest().task()) {
      case TEXT_CLASSIFICATION -> Optional.of(LabelSet.of(train));
      case EMBEDDING -> Optional.empty();
    };
  }

  private static EncodedData encode(
      Dataset data, Optional<LabelSet> labels, TextTokenizer tokenizer) {
    return labels
        .map(known -> EncodedData.labelled(data, known, tokenizer))
        .orElseGet(() -> EncodedData.paired(data, tokenizer));
  }

  private Feeder feeder(TextTokenizer tokenizer) {
    Padding padding = new Padding(tokenizer.padId(), plan.passes().padTo());
    return new Feeder(bundle.manifest().text().inputs(), padding, plan.adapter().scaling());
  }

  private List<Tensor> start(Optional<LabelSet> labels) {
    return new ParameterInitializer(plan.seed())
        .tensors(
            bundle.manifest().parameters(),
            plan.adapter().rank(),
            labels.map(LabelSet::size).orElse(0));
  }

  private TrainingEngine engine(List<Tensor> start, WorkFolder folder, boolean evaluates) {
    TrainingStart from =
        new TrainingStart(bundle, Checkpoint.fresh(start), plan.adamW(), evaluates, plan.session());
    return switch (plan.engine()) {
      case SESSION -> SessionTrainingEngine.open(from);
      case ORT_TRAINING -> OrtTrainingEngine.open(from, folder.path());
    };
  }

  private static long elements(List<Tensor> tensors) {
    return tensors.stream().mapToLong(tensor -> tensor.shape().elements()).sum();
  }
}
