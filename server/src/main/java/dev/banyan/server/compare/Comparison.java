package dev.banyan.server.compare;

import com.fasterxml.jackson.databind.JsonNode;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.integrity.ArtifactException;
import dev.banyan.graph.GraphFailure;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.runtime.RuntimeFailure;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.inference.AdapterEvaluation;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.report.Score;
import dev.banyan.server.compare.Compared.Figures;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Prepares, trains, judges and serves one method after the other. */
final class Comparison {
  private final ComparisonPlan plan;
  private final Dataset test;
  private final Consumer<String> screen;

  /**
   * A comparison that tells what it does.
   *
   * @throws dev.banyan.runtime.data.DataFailure if the held-out examples cannot be read
   */
  Comparison(ComparisonPlan plan, Consumer<String> screen) {
    this.plan = plan;
    this.test = Dataset.read(plan.data().test());
    this.screen = screen;
  }

  /** All methods in their order; one that fails is told with its reason. */
  List<Compared> run() {
    List<MethodChoice> none = List.of(MethodChoice.lora(SiteChoice.of("head-only")));
    Bundle bare =
        GraphTools.prepare(plan.request(none, plan.out().resolve("bundles").resolve("bare")))
            .bundle();
    List<Compared> all = new ArrayList<>();
    try (ServingCost serving = new ServingCost(bare, plan.session())) {
      for (String method : plan.methods()) {
        List<MethodChoice> choices = plan.choices(method);
        TypicalRun typical =
            TypicalRun.of(choices.stream().map(choice -> choice.method().name()).toList());
        all.add(compared(method, choices, typical, serving));
      }
    }
    return all;
  }

  private Compared compared(
      String method, List<MethodChoice> choices, TypicalRun typical, ServingCost serving) {
    try {
      Figures figures = new Run(method, choices, typical).figures(serving);
      return new Compared(method, typical.learningRate(), Optional.of(figures), "");
    } catch (ComparisonFailure | GraphFailure | RuntimeFailure | ArtifactException e) {
      screen.accept("%s failed: %s".formatted(method, e.getMessage()));
      return new Compared(
          method, typical.learningRate(), Optional.empty(), String.valueOf(e.getMessage()));
    }
  }

  /** One method. */
  private final class Run {
    private final String method;
    private final List<MethodChoice> choices;
    private final TypicalRun typical;
    private final Path folder;

    Run(String method, List<MethodChoice> choices, TypicalRun typical) {
      this.method = method;
      this.choices = choices;
      this.typical = typical;
      // Settings have signs that folders should not.
      this.folder = plan.out().resolve("adapters").resolve(method.replaceAll("[^\\w.+-]", "_"));
    }

    Figures figures(ServingCost serving) {
      Path place = plan.out().resolve("bundles").resolve(String.valueOf(folder.getFileName()));
      Bundle bundle = GraphTools.prepare(plan.request(choices, place)).bundle();
      List<Score> scores = new ArrayList<>();
      JsonNode last = null;
      for (long seed : plan.passes().seeds()) {
        last = train(bundle, seed);
        Score score = judge(bundle, adapter(seed));
        scores.add(score);
        screen.accept(
            "%-24s seed %d: %s %.4f, %.0f ms a step, %d MiB"
                .formatted(
                    method,
                    seed,
                    score.metrics().firstEntry().getKey().title(),
                    score.metrics().firstEntry().getValue(),
                    last.path("ms_per_step_median").asDouble(),
                    last.path("peak_rss_mib").asLong()));
      }
      if (last == null) {
        throw new ComparisonFailure("no seed was given");
      }
      Path adapter = adapter(plan.passes().seeds().getLast());
      return new Figures(
          scores,
          last.path("trainable_parameters").asLong(),
          size(adapter.resolve(PeftAdapter.WEIGHTS)),
          last.path("ms_per_step_median").asDouble(),
          last.path("peak_rss_mib").asLong(),
          serving.of(bundle, weights(bundle, adapter)));
    }

    private Path adapter(long seed) {
      return folder.resolve("seed-" + seed);
    }

    private JsonNode train(Bundle bundle, long seed) {
      List<String> arguments = new ArrayList<>();
      arguments.add("--bundle=" + bundle.dir());
      arguments.add("--data=" + plan.data().train());
      arguments.add("--out=" + adapter(seed));
      arguments.add("--epochs=" + plan.passes().epochs());
      arguments.add("--batch-size=" + plan.passes().batch());
      arguments.add("--seed=" + seed);
      arguments.add("--device=" + plan.session().device());
      arguments.add("--threads=" + plan.session().threads());
      arguments.add("--learning-rate=" + typical.learningRate());
      arguments.addAll(typical.flags());
      try {
        Files.createDirectories(folder);
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot make " + folder, e);
      }
      return new TrainingProcess(folder).run(arguments);
    }
  }

  private static AdapterWeights weights(Bundle bundle, Path adapter) {
    return AdapterWeights.fit(PeftAdapter.read(adapter), bundle, ServingPlan.anySize());
  }

  private Score judge(Bundle bundle, Path adapter) {
    AdapterWeights weights = weights(bundle, adapter);
    ServingPlan room = new ServingPlan(1, weights.sizes(), plan.session());
    try (BaseModel model = BaseModel.open(bundle, room)) {
      model.bank().write(1, weights);
      return new AdapterEvaluation(model, 1, plan.passes().batch()).score(test, weights.labels());
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + file, e);
    }
  }
}
