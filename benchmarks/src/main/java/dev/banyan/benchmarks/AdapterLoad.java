package dev.banyan.benchmarks;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.ServingPlan;
import java.nio.file.Path;

/** How long it takes from an adapter's folder to a slot that answers. */
final class AdapterLoad {
  private static final int WARM_UPS = 20;
  private static final int RANK = 8;
  private static final int LABELS = 4;

  private final MiniLm miniLm;
  private final int rounds;

  AdapterLoad(MiniLm miniLm, int rounds) {
    this.miniLm = miniLm;
    this.rounds = rounds;
  }

  /** The times for both choices of layers, in Markdown. */
  String measure() {
    Table table = new Table("adapter of rank 8", "step", "median ms", "quartiles ms", "slowest ms");
    addTo(table, "query,value");
    addTo(table, "all-linear");
    return table.toString();
  }

  private void addTo(Table table, String targets) {
    Bundle bundle = miniLm.bundle(targets);
    Path dir = miniLm.dir().resolve("adapter-" + targets.replace(',', '-'));
    new RandomAdapter(RANK, LABELS, 1).of(bundle.manifest()).write(dir);
    ServingPlan plan = ServingPlan.defaults();
    Samples whole = new Samples();
    Samples write = new Samples();
    try (BaseModel model = BaseModel.open(bundle, plan)) {
      for (int round = -WARM_UPS; round < rounds; round++) {
        int slot = 1 + Math.floorMod(round, plan.slots());
        (round < 0 ? new Samples() : whole).time(() -> load(model, dir, plan, slot));
        AdapterWeights weights = AdapterWeights.fit(PeftAdapter.read(dir), bundle, plan);
        (round < 0 ? new Samples() : write).time(() -> model.bank().write(slot, weights));
      }
    }
    addRow(table, targets, "folder to slot", whole);
    addRow(table, targets, "write into the slot only", write);
  }

  private static void load(BaseModel model, Path dir, ServingPlan plan, int slot) {
    model.bank().write(slot, AdapterWeights.fit(PeftAdapter.read(dir), model.bundle(), plan));
  }

  private static void addRow(Table table, String targets, String step, Samples samples) {
    table.row(
        targets,
        step,
        "%.2f".formatted(samples.median()),
        samples.quartiles(),
        "%.2f".formatted(samples.quantile(1)));
  }
}
