package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.runtime.training.RunPlace;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingEvent;
import dev.banyan.runtime.training.TrainingPlan;
import java.nio.file.Path;
import java.util.List;

/** A run that ends as in a crash as soon as its state has been saved, and then goes on. */
final class CrashedRun {
  private CrashedRun() {}

  /** Ends a run as a crash would. */
  private static final class Crash extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /**
   * Requires that such a run leaves the bytes of one that was not interrupted.
   *
   * @param whole the adapter of the other run, beside which this one's is left
   */
  static void requireSameBytes(Bundle bundle, TrainingPlan plan, TrainingData data, Path whole) {
    RunPlace parts = RunPlace.of(whole.resolveSibling("parts")).savedEvery(2);
    Trainer crashing =
        new Trainer(
            bundle,
            plan,
            event -> {
              if (event instanceof TrainingEvent.StateSaved) {
                throw new Crash();
              }
            });
    assertThatThrownBy(() -> crashing.train(data, parts)).isInstanceOf(Crash.class);
    new Trainer(bundle, plan, event -> {}).train(data, parts.resumed());
    for (String file : List.of(PeftAdapter.CONFIG, PeftAdapter.WEIGHTS)) {
      assertThat(parts.out().resolve(file)).hasSameBinaryContentAs(whole.resolve(file));
    }
  }
}
