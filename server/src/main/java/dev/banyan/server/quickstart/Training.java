package dev.banyan.server.quickstart;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.inference.AdapterEvaluation;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.report.LossChart;
import dev.banyan.runtime.report.Score;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingReport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Step 2: an adapter for each tenant, and the baseline that needs no training. */
final class Training {
  /** Where adapters wait that the server does not have at its start. */
  static final String STAGED = "staged";

  private static final ServingPlan JUDGE =
      new ServingPlan(1, 16, 16, ServingPlan.defaults().session());
  private static final int SLOT = 1;
  private static final int BATCH = 32;

  private final Screen screen;
  private final EmbeddedFiles files;
  private final Map<Tenant.Targets, Bundle> bundles;
  private final long seed;
  private final List<Summary.Trained> figures = new ArrayList<>();
  private final List<LossChart.Curve> curves = new ArrayList<>();

  Training(Screen screen, EmbeddedFiles files, Map<Tenant.Targets, Bundle> bundles, long seed) {
    this.screen = screen;
    this.files = files;
    this.bundles = bundles;
    this.seed = seed;
  }

  /**
   * Leaves the tenants' adapters under {@code adapters}, and a newer version of one beside them.
   */
  void run(Path run) {
    Bundle widest = bundle(Tenant.Targets.ALL_LINEAR);
    try (BaseModel judge = BaseModel.open(widest, JUDGE)) {
      for (Tenant tenant : Tenant.all()) {
        figures.add(train(tenant, run.resolve("adapters").resolve(tenant.model()), judge));
      }
      Tenant newer = Tenant.newerVersion();
      figures.add(train(newer, run.resolve(STAGED).resolve(newer.model()), judge));
    }
  }

  /** Trains without a look at the held-out texts; they are asked once, when all is done. */
  private Summary.Trained train(Tenant tenant, Path out, BaseModel judge) {
    Dataset train = Dataset.read(files.train(tenant));
    Dataset eval = Dataset.read(files.eval(tenant));
    double baselineAccuracy = new NearestCentroid(judge).accuracy(train, eval);
    TrainingReport report =
        new Trainer(bundle(tenant.targets()), tenant.plan(seed), screen.progress())
            .train(new TrainingData(train, Optional.empty()), out);
    curves.add(new LossChart.Curve(tenant.model(), report.losses()));
    judge.bank().write(SLOT, AdapterWeights.fit(PeftAdapter.read(out), judge.bundle(), JUDGE));
    Score score = new AdapterEvaluation(judge, SLOT, BATCH).score(eval, report.labels());
    Summary.Trained shown =
        new Summary.Trained(
            tenant,
            report.labels(),
            new Summary.Judged(baselineAccuracy, score.accuracy(), score.macroF1().orElseThrow()),
            report.trainableParameters(),
            report.losses().size(),
            report.seconds(),
            report.tokensPerSecond(),
            report.adapterDigest().toString());
    screen.line(
        "%-22s %d labels  rank %-2d %-11s  accuracy %.3f  macro-F1 %.3f  (baseline %.3f)  %.0f s"
            .formatted(
                tenant.model(),
                shown.labels().size(),
                tenant.rank(),
                tenant.targets().selector(),
                score.accuracy(),
                score.macroF1().orElseThrow(),
                baselineAccuracy,
                shown.seconds()));
    return shown;
  }

  private Bundle bundle(Tenant.Targets targets) {
    Bundle bundle = bundles.get(targets);
    if (bundle == null) {
      throw new IllegalStateException("No bundle was prepared for " + targets.selector());
    }
    return bundle;
  }

  List<Summary.Trained> figures() {
    return figures;
  }

  List<LossChart.Curve> curves() {
    return curves;
  }
}
