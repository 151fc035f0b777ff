package dev.banyan.server.compare;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.SessionSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * What a batch of rows costs whose adapters are of one method, over the same rows on a bundle that
 * has nothing but heads. The two are timed in turn; only their ratio is told, as it is less of the
 * machine's doing.
 */
final class ServingCost implements AutoCloseable {
  private static final int ROWS = 32;
  private static final int TOKENS = 64;
  private static final int ADAPTERS = 4;
  private static final int ROUNDS = 9;
  private static final int WARM_UPS = 2;

  private final SessionSettings session;
  private final BaseModel bare;
  private final List<Encoding> texts;

  /**
   * Opens the bare base.
   *
   * @param headOnly a bundle of the same base without any method
   * @param session as adapters will be timed
   */
  ServingCost(Bundle headOnly, SessionSettings session) {
    this.session = session;
    this.bare = BaseModel.open(headOnly, new ServingPlan(1, 1, 1, session));
    Random random = new Random(7);
    int longest = Math.min(TOKENS, headOnly.manifest().text().maxLength());
    // The first tokens of a vocabulary are there in every model.
    this.texts =
        IntStream.range(0, ROWS)
            .mapToObj(_ -> new Encoding(random.longs(longest, 0, 50).toArray(), new long[longest]))
            .toList();
  }

  /** The ratio of the medians. */
  double of(Bundle bundle, AdapterWeights weights) {
    try (BaseModel model =
        BaseModel.open(bundle, new ServingPlan(ADAPTERS, weights.sizes(), session))) {
      for (int slot = 1; slot <= ADAPTERS; slot++) {
        model.bank().write(slot, weights);
      }
      List<Double> own = new ArrayList<>();
      List<Double> base = new ArrayList<>();
      for (int round = -WARM_UPS; round < ROUNDS; round++) {
        double ofBare = millis(bare, 0);
        double ofModel = millis(model, ADAPTERS);
        if (round >= 0) {
          base.add(ofBare);
          own.add(ofModel);
        }
      }
      return median(own) / median(base);
    }
  }

  private double millis(BaseModel model, int adapters) {
    List<Row> rows =
        IntStream.range(0, ROWS)
            .mapToObj(row -> new Row(texts.get(row), adapters == 0 ? 0 : 1 + row % adapters))
            .toList();
    long begin = System.nanoTime();
    model.run(rows);
    return (System.nanoTime() - begin) / 1e6;
  }

  private static double median(List<Double> times) {
    return times.stream().sorted().toList().get(times.size() / 2);
  }

  @Override
  public void close() {
    bare.close();
  }
}
