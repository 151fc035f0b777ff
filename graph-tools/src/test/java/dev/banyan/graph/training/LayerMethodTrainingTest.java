package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.RankPattern;
import dev.banyan.runtime.training.RunPlace;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingEvent;
import dev.banyan.runtime.training.TrainingListener;
import dev.banyan.runtime.training.TrainingPlan;
import dev.banyan.runtime.training.TrainingReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Runs of methods that adapt layers: they learn, go on where they ended, and write what is theirs.
 */
class LayerMethodTrainingTest {
  private static final String LAYERS = "targets=query,intermediate.dense;layers=0";

  @TempDir Path folder;

  /**
   * A method.
   *
   * @param method how the bundle is prepared
   * @param adapter what the run makes
   * @param rate its learning rate
   * @param keys what is in the file of a query layer and of an intermediate one, behind their paths
   */
  record Run(String method, AdapterPlan adapter, double rate, List<List<String>> keys) {
    @Override
    public String toString() {
      return method;
    }
  }

  static Stream<Run> runs() {
    AdapterPlan rank4 = AdapterPlan.lora(4, 8);
    List<String> hada = List.of("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b");
    List<String> thin = List.of("lokr_w1", "lokr_w2_a", "lokr_w2_b");
    List<String> whole = List.of("lokr_w1", "lokr_w2");
    List<String> both = List.of("lokr_w1_a", "lokr_w1_b", "lokr_w2_a", "lokr_w2_b");
    List<String> lambdas = List.of("vera_lambda_b", "vera_lambda_d");
    return Stream.of(
        new Run("loha", rank4.with(RankPattern.parse("query=2")), 0.02, List.of(hada, hada)),
        // The rank decides which factors there are, layer by layer.
        new Run("lokr", AdapterPlan.lora(2, 4), 0.05, List.of(thin, thin)),
        new Run(
            "lokr",
            AdapterPlan.lora(2, 4).with(RankPattern.parse("query=6")),
            0.05,
            List.of(whole, thin)),
        new Run("lokr:decompose_both=true", AdapterPlan.lora(1, 2), 0.05, List.of(both, both)),
        new Run("miss", rank4, 0.02, List.of(List.of("miss_block"), List.of("miss_block"))),
        new Run("vera", rank4, 0.1, List.of(lambdas, lambdas)),
        new Run(
            "vera:save_projection=false;projection_prng_key=7;d_initial=0.2",
            rank4,
            0.1,
            List.of(lambdas, lambdas)),
        new Run("ia3", rank4, 0.1, List.of(List.of("ia3_l"), List.of("ia3_l"))));
  }

  @ParameterizedTest
  @MethodSource("runs")
  void adapterLearnsAndHasWhatIsItsOwn(Run run) throws IOException {
    Bundle bundle = prepare(run);
    Path out = folder.resolve("adapter");
    TrainingReport report = train(bundle, run, RunPlace.of(out), _ -> {});
    assertThat(report.losses().getLast()).isLessThan(0.8f * report.losses().getFirst());
    // Neither the base nor anything else of the bundle has changed.
    Bundle.openVerified(bundle.dir());
    PeftAdapter adapter = PeftAdapter.read(out);
    assertThat(keys(adapter, "query")).containsExactlyElementsOf(run.keys().get(0));
    assertThat(keys(adapter, "intermediate.dense")).containsExactlyElementsOf(run.keys().get(1));
    requireSameAnswers(bundle, adapter);
  }

  private static Set<String> keys(PeftAdapter adapter, String layer) {
    TreeSet<String> keys = new TreeSet<>();
    for (String name : adapter.weights().tensors().keySet()) {
      int end = name.lastIndexOf('.');
      if (name.substring(0, end).endsWith(layer)) {
        keys.add(name.substring(end + 1));
      }
    }
    return keys;
  }

  private void requireSameAnswers(Bundle bundle, PeftAdapter adapter) {
    adapter.write(folder.resolve("copy"));
    PeftAdapter copy = PeftAdapter.read(folder.resolve("copy"));
    assertThat(copy.digest()).isEqualTo(adapter.digest());
    ServingPlan room = ServingPlan.defaults();
    try (BaseModel model = BaseModel.open(bundle, room)) {
      model.bank().write(1, AdapterWeights.fit(adapter, bundle, room));
      model.bank().write(2, AdapterWeights.fit(copy, bundle, room));
      long[] ids = {1, 7, 9};
      float[] first = model.run(List.of(row(ids, 1))).embedding(0);
      assertThat(model.run(List.of(row(ids, 2))).embedding(0)).isEqualTo(first);
      assertThat(model.run(List.of(row(ids, 0))).embedding(0)).isNotEqualTo(first);
      model.bank().clear(1);
      assertThat(model.run(List.of(row(ids, 1))).embedding(0))
          .isEqualTo(model.run(List.of(row(ids, 0))).embedding(0));
    }
  }

  private static Row row(long[] ids, int slot) {
    return new Row(new Encoding(ids, new long[ids.length]), slot);
  }

  @ParameterizedTest
  @MethodSource("runs")
  void runThatGoesOnGivesTheSameBytes(Run run) throws IOException {
    Bundle bundle = prepare(run);
    TrainingReport whole = train(bundle, run, RunPlace.of(folder.resolve("whole")), _ -> {});
    RunPlace place = RunPlace.of(folder.resolve("parts")).savedEvery(5);
    assertThatThrownBy(
            () ->
                train(
                    bundle,
                    run,
                    place,
                    event -> {
                      if (event instanceof TrainingEvent.StateSaved) {
                        throw new IllegalStateException("crash");
                      }
                    }))
        .hasMessage("crash");
    assertThat(train(bundle, run, place.resumed(), _ -> {}).adapterDigest())
        .isEqualTo(whole.adapterDigest());
  }

  private TrainingReport train(Bundle bundle, Run run, RunPlace place, TrainingListener listener)
      throws IOException {
    TrainingPlan usual = TrainingPlan.defaults();
    TrainingPlan plan =
        usual
            .with(run.adapter().with(Size.PROJECTION, 16))
            .with(usual.passes().withEpochs(8))
            .with(new LearningRate.Constant(run.rate(), 0));
    return new Trainer(bundle, plan, listener)
        .train(new TrainingData(Bundles.texts(folder), Optional.empty()), place);
  }

  private Bundle prepare(Run run) {
    String method = run.method() + (run.method().contains(":") ? ";" : ":") + LAYERS;
    return GraphTools.prepare(
            new PrepareRequest(
                    Fixtures.export("bert_opset17"),
                    Bundles.tokenizer(folder, 40),
                    Task.TEXT_CLASSIFICATION,
                    SiteChoice.of("head-only"),
                    Pooling.MEAN,
                    OptionalInt.empty(),
                    folder.resolve("bundle"))
                .withMethods(List.of(MethodChoice.parse(method, SiteChoice.of("")))))
        .bundle();
  }
}
