package dev.banyan.server.quickstart;

import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.TrainingPlan;
import java.util.List;

/**
 * One customer of the quickstart and how its adapter is trained. No two share label set, rank and
 * targets.
 *
 * @param name the tenant; its texts lie under {@code quickstart/<name>} among the resources
 * @param adapter name of its adapter
 * @param targets the bundle it is trained from
 * @param rank LoRA's rank
 * @param epochs passes over its texts
 */
record Tenant(String name, String adapter, Targets targets, int rank, int epochs) {
  /** Which linear layers carry adapters; one bundle is prepared for each. */
  enum Targets {
    /** The two projections of attention that LoRA's authors chose. */
    QUERY_VALUE("query,value"),
    /** Every linear layer of the encoder. */
    ALL_LINEAR("all-linear");

    private final String selector;

    Targets(String selector) {
      this.selector = selector;
    }

    /** What {@code banyan prepare --targets} takes. */
    String selector() {
      return selector;
    }

    /** Folder name of the bundle. */
    String folder() {
      return selector.replace(',', '-');
    }
  }

  private static final double PEAK_RATE = 2e-3;

  /** The three tenants. */
  static List<Tenant> all() {
    return List.of(
        new Tenant("harbor-bank", "topics", Targets.QUERY_VALUE, 8, 6),
        new Tenant("green-table", "intent", Targets.ALL_LINEAR, 16, 6),
        new Tenant("night-ops", "urgency", Targets.QUERY_VALUE, 4, 6));
  }

  /** A newer version of the last tenant's adapter: more layers, a higher rank. */
  static Tenant newerVersion() {
    return new Tenant("night-ops", "urgency-next", Targets.ALL_LINEAR, 8, 4);
  }

  /** The name under which clients ask for the adapter. */
  String model() {
    return name + "/" + adapter;
  }

  /**
   * The plan of its training: the defaults, but for rank, epochs and a rate that suits few texts.
   */
  TrainingPlan plan(long seed) {
    TrainingPlan usual = TrainingPlan.defaults();
    return usual
        .with(AdapterPlan.lora(rank, 2.0 * rank))
        .with(usual.passes().withEpochs(epochs))
        .with(new LearningRate.Linear(PEAK_RATE, 0.1))
        .withSeed(seed);
  }
}
