package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Projection;
import dev.banyan.artifacts.bundle.PromptFormat;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.bundle.TextInfo;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.integrity.AbandonedFiles;
import dev.banyan.artifacts.integrity.WorkFolder;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.data.Batch.Padding;
import dev.banyan.runtime.data.CausalEncoder;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.data.EncodedData;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.data.LabelSet;
import dev.banyan.runtime.data.TaskEncoder;
import dev.banyan.runtime.data.TextTokenizer;
import dev.banyan.runtime.data.Vocabulary;
import dev.banyan.runtime.report.ProcessStats;
import dev.banyan.runtime.tally.Tally;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Trains one adapter: the same bundle, data and plan give the same bytes.
 *
 * <p>After every epoch the adapter is put in its place as a whole if it is to be kept, so that a
 * run that is interrupted leaves the last one.
 */
public final class Trainer {
  private final Bundle bundle;
  private final TrainingPlan plan;
  private final LayerRanks ranks;
  private final int longest;
  private final StepLog listener;
  private final EngineSource engines;

  /**
   * A run over a bundle that tells a listener what happens.
   *
   * @throws IllegalArgumentException if the plan asks for rows longer than the bundle allows
   */
  public Trainer(Bundle bundle, TrainingPlan plan, TrainingListener listener) {
    this(bundle, plan, listener, EngineSource.alone(plan.compute().engine()));
  }

  /** The same with other engines. */
  Trainer(Bundle bundle, TrainingPlan plan, TrainingListener listener, EngineSource engines) {
    this.longest = longest(bundle.manifest(), plan);
    int padTo = plan.passes().padTo();
    if (padTo > longest) {
      throw new IllegalArgumentException(
          "pad-to is %d, but the bundle was prepared for texts of at most %d tokens"
              .formatted(padTo, longest));
    }
    if (plan.compute().engine() == EngineKind.ORT_TRAINING) {
      OrtTrainingEngine.requireCan(bundle.manifest().parameters(), plan);
    }
    this.bundle = bundle;
    this.plan = plan;
    this.ranks = LayerRanks.of(plan.adapter(), bundle.manifest().adapter());
    this.listener = new StepLog(listener);
    this.engines = engines;
  }

  /** Tokens after which texts are cut, those that are learned before them not counted. */
  private static int longest(BundleManifest bundle, TrainingPlan plan) {
    int tokens = plan.adapter().sizes().of(Size.TOKENS);
    long prompts = bundle.parameters().stream().filter(ParameterSpec::isCounted).count();
    int left = bundle.text().maxLengthBehind(Math.toIntExact(tokens * prompts));
    Require.that(
        left >= TextInfo.SHORTEST,
        "virtual-tokens",
        tokens,
        "so few that texts have place behind them: the base takes "
            + bundle.text().positions().orElse(0));
    int pack = plan.passes().pack();
    Require.that(
        prompts == 0 || pack == 0,
        "pack",
        pack,
        "0 with learned tokens before the text, as each text has its own row then");
    return left;
  }

  /**
   * Trains an adapter into a folder, with its state in the usual place.
   *
   * @see #train(TrainingData, RunPlace)
   */
  public TrainingReport train(TrainingData data, Path out) {
    return train(data, RunPlace.of(out));
  }

  /**
   * Trains, or goes on training where an interrupted run has stopped.
   *
   * @throws dev.banyan.runtime.RuntimeFailure if the data, the tokenizer or the run is at fault
   * @throws dev.banyan.artifacts.integrity.ArtifactException if the bundle or the state is at fault
   */
  public TrainingReport train(TrainingData data, RunPlace place) {
    long begin = System.nanoTime();
    AbandonedFiles.recover(place.out());
    AdapterOutput.requireFree(place.out());
    StateFolder states = new StateFolder(place.state());
    states.requireUsable();
    RunIdentity identity = RunIdentity.of(bundle, data, plan);
    Optional<RunState> earlier =
        place.resume() ? Optional.of(states.load(identity)) : Optional.empty();
    Optional<LabelSet> labels = LabelSet.of(bundle.manifest().task(), data.train());
    Checkpoint fresh =
        earlier.map(RunState::checkpoint).orElseGet(() -> Checkpoint.fresh(start(labels)));
    Checkpoint start;
    OnnxFile graph = OnnxFile.read(bundle.file(Bundle.TRAINING_MODEL));
    Kept kept;
    try (WorkFolder folder = WorkFolder.temporary("banyan-train-");
        TextTokenizer tokenizer = tokenizer(graph)) {
      Function<Dataset, EncodedData> encoder = encoder(labels, tokenizer);
      int usual = bundle.manifest().text().maxLength();
      if (longest < usual) {
        listener.on(new TrainingEvent.TextsCut(longest, usual));
      }
      EncodedData train = encoder.apply(data.train());
      Optional<EncodedData> held = data.eval().map(encoder);
      GraphInputs inputs = GraphInputs.of(bundle.manifest().task(), graph);
      LossInputs loss = LossInputs.of(inputs, plan.loss(), labels, train.targets());
      SiteInputs sites = SiteInputs.of(inputs, bundle.manifest().adapter(), plan, ranks);
      AdapterOutput output = AdapterOutput.of(bundle.manifest(), plan, labels, place.out());
      // Closed before the folder that its file lies in.
      try (PrefixCache prefix = prefix(tokenizer, folder, train, held)) {
        Feeder feeder = feeder(tokenizer, sites, loss, Optional.ofNullable(prefix));
        Keeper keeper =
            new Keeper(
                held.map(texts -> evaluation(texts, labels, feeder)),
                parameters -> folder.whole(() -> output.write(parameters)),
                plan.evaluations(),
                listener);
        earlier.ifPresent(state -> resume(state, keeper));
        start =
            earlier.isPresent()
                ? fresh
                : new SparseMasks(bundle, plan)
                    .in(
                        fresh,
                        () ->
                            new Learner(
                                engines.open(start(fresh, false), folder, tokenizer.padId()),
                                data.train(),
                                train,
                                feeder));
        try (TrainingEngine engine =
                engines.open(start(start, held.isPresent()), folder, tokenizer.padId());
            StateSaver saver =
                new StateSaver(
                    new StateSaver.Parts(identity, engine, keeper, folder),
                    states,
                    place.saveEvery(),
                    listener)) {
          Learner learner = new Learner(engine, data.train(), train, feeder);
          new TrainingLoop(plan, learner, new TrainingLoop.Aftermath(keeper, saver), listener)
              .run(earlier.map(RunState::position).orElse(Position.start()));
        }
        kept = keeper.kept().orElseThrow();
      }
      states.remove();
    }
    return new TrainingReport(
        listener.losses(),
        listener.stepMillis(),
        kept.score(),
        kept.epoch(),
        kept.step(),
        labels.map(LabelSet::names).orElse(List.of()),
        ranks.elements(bundle.manifest().parameters(), start.trainable()),
        bundle.manifest().base().frozenParameters(),
        listener.msPerStepMedian(),
        listener.tokensPerSecond(),
        listener.firstStepSeconds(),
        (System.nanoTime() - begin) / 1e9,
        ProcessStats.peakRssMib(),
        kept.digest());
  }

  private void resume(RunState state, Keeper keeper) {
    listener.resume(state.losses());
    keeper.resume(state.kept());
  }

  private TextTokenizer tokenizer(OnnxFile graph) {
    TextTokenizer tokenizer = new TextTokenizer(bundle.file(Bundle.TOKENIZER), longest);
    Vocabulary.rows(graph).ifPresent(tokenizer::requireFits);
    return tokenizer;
  }

  private Function<Dataset, EncodedData> encoder(
      Optional<LabelSet> labels, TextTokenizer tokenizer) {
    if (bundle.manifest().task() != Task.CAUSAL_LM) {
      return new TaskEncoder(bundle.manifest(), labels, tokenizer)::encode;
    }
    PromptFormat format = PromptFormat.read(bundle.file(Bundle.PROMPT_FORMAT));
    return new CausalEncoder(tokenizer, format, longest, plan.passes().pack())::encode;
  }

  private Evaluation evaluation(EncodedData held, Optional<LabelSet> labels, Feeder feeder) {
    return new Evaluation(
        held,
        feeder,
        () -> Tally.of(bundle.manifest(), held.targets(), labels),
        prediction(labels),
        plan.passes().batch());
  }

  private String prediction(Optional<LabelSet> labels) {
    if (bundle.manifest().task() == Task.CAUSAL_LM) {
      return "log_probabilities";
    }
    return labels.isPresent() ? "logits" : "embeddings";
  }

  private Feeder feeder(
      TextTokenizer tokenizer, SiteInputs sites, LossInputs loss, Optional<PrefixCache> prefix) {
    Padding padding = new Padding(tokenizer.padId(), plan.passes().padTo());
    List<String> inputs = new ArrayList<>(bundle.manifest().text().inputs());
    if (bundle.manifest().task() == Task.CAUSAL_LM) {
      inputs.add("segment_ids");
    }
    return new Feeder(inputs, padding, sites, loss, prefix);
  }

  /** Whether what is below the lowest adapter is worth keeping: only a later epoch needs it. */
  private boolean reusesPrefix() {
    return plan.compute().prefixCacheMib() > 0
        && plan.compute().engine() == EngineKind.SESSION
        && plan.passes().epochs() > 1
        && bundle.has(Bundle.PREFIX_MODEL);
  }

  private @Nullable PrefixCache prefix(
      TextTokenizer tokenizer, WorkFolder folder, EncodedData train, Optional<EncodedData> held) {
    if (!reusesPrefix()) {
      return null;
    }
    List<Encoding> texts = new ArrayList<>(train.encodings());
    held.ifPresent(data -> texts.addAll(data.encodings()));
    PrefixCache.Room room =
        new PrefixCache.Room(
            folder.path().resolve("prefix"),
            (long) plan.compute().prefixCacheMib() << 20,
            plan.passes().batch());
    PrefixCache cache =
        PrefixCache.open(bundle, texts, tokenizer.padId(), room, plan.compute().session());
    listener.on(new TrainingEvent.PrefixKept(cache.texts(), texts.size(), cache.bytes()));
    return cache;
  }

  private List<Tensor> start(Optional<LabelSet> labels) {
    int count = labels.map(LabelSet::size).orElse(0);
    BaseValues base =
        BaseValues.of(bundle)
            .with(StartFactors.of(bundle, ranks.starts(bundle.manifest().adapter())));
    ParameterInitializer initializer =
        new ParameterInitializer(
            plan.seed(), base, new TokensOfBase(bundle), Projection.of(bundle.manifest()));
    return ranks.start(bundle.manifest().parameters(), initializer, count);
  }

  private TrainingStart start(Checkpoint start, boolean evaluates) {
    return new TrainingStart(
        bundle,
        ranks.present(bundle.manifest().parameters()),
        start,
        plan.adamW(),
        ranks.scalings(),
        reusesPrefix(),
        evaluates,
        plan.compute().session());
  }
}
