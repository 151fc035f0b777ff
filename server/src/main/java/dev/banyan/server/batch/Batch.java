package dev.banyan.server.batch;

import java.util.List;

/**
 * Rows that run together, and whose turn it is afterwards.
 *
 * @param rows the rows; empty only if none waited
 * @param turns what to hand to {@link BatchPlan#next} with the rows that are left
 * @param <W> the kind of row
 */
public record Batch<W extends Waiting>(List<W> rows, Turns turns) {
  /** Copies the rows. */
  public Batch {
    rows = List.copyOf(rows);
  }
}
