package dev.banyan.server.batch;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Picks the next batch from the rows that wait: a pure function, without thread or clock.
 *
 * <p>Its promises, in the order the code keeps them:
 *
 * <ol>
 *   <li><b>No starvation.</b> The oldest row of the lane whose {@linkplain Turns turn} it is is
 *       always in the batch, whatever its length and whatever else waits. With T tenants waiting,
 *       and at most A lanes waiting in any of them, the oldest row of every lane runs within T x A
 *       batches.
 *   <li><b>Little padding.</b> The leading row sets the {@linkplain BatchPolicy length bucket};
 *       only rows of that bucket join it.
 *   <li><b>Equal shares.</b> The room that is left goes, row by row, to the tenant with the fewest
 *       tokens in this batch, within it to the lane with the fewest, and there to the oldest row.
 *   <li><b>Bounded work.</b> Rows x longest row stays within the token budget, unless the leading
 *       row alone exceeds it.
 * </ol>
 *
 * <pre>{@code
 * Batch<Row> batch = BatchPlan.next(waiting, turns, BatchPolicy.defaults());
 * waiting.removeAll(batch.rows());
 * turns = batch.turns();
 * }</pre>
 */
public final class BatchPlan {
  private BatchPlan() {}

  /**
   * The next batch.
   *
   * @param waiting every row that waits, oldest first; not changed
   * @param turns what the batch before handed on; {@link Turns#NONE} at the start
   */
  public static <W extends Waiting> Batch<W> next(
      List<W> waiting, Turns turns, BatchPolicy policy) {
    Turns order = turns.among(waiting);
    if (waiting.isEmpty()) {
      return new Batch<>(List.of(), order);
    }
    Lane leader = order.leader();
    W lead = waiting.stream().filter(row -> row.lane().equals(leader)).findFirst().orElseThrow();
    Filling<W> filling = new Filling<>(policy, lead);
    filling.offer(sameBucket(waiting, order, policy.bucket(lead.tokens()), policy));
    return new Batch<>(filling.rows, order.afterLeading(leader));
  }

  /** Rows of one length bucket by lane, the lanes in order of their turns. */
  private static <W extends Waiting> Map<Lane, Deque<W>> sameBucket(
      List<W> waiting, Turns order, int bucket, BatchPolicy policy) {
    Map<Lane, Deque<W>> lanes = new LinkedHashMap<>();
    for (String tenant : order.tenants()) {
      for (Lane lane : order.lanes()) {
        if (lane.tenant().equals(tenant)) {
          lanes.put(lane, new ArrayDeque<>());
        }
      }
    }
    for (W row : waiting) {
      if (policy.bucket(row.tokens()) == bucket) {
        lanes.getOrDefault(row.lane(), new ArrayDeque<>()).add(row);
      }
    }
    return lanes;
  }

  /** A batch that is being filled. */
  private static final class Filling<W extends Waiting> {
    private final BatchPolicy policy;
    private final List<W> rows = new ArrayList<>();
    private final Map<String, Integer> tenantTokens = new HashMap<>();
    private final Map<Lane, Integer> laneTokens = new HashMap<>();
    private int longest;

    Filling(BatchPolicy policy, W lead) {
      this.policy = policy;
      take(lead);
    }

    void offer(Map<Lane, Deque<W>> lanes) {
      // The lead stands at the head of its lane and is already taken.
      lanes.values().forEach(lane -> lane.remove(rows.getFirst()));
      lanes.values().removeIf(Deque::isEmpty);
      // min() keeps the first of equals, and lanes come in order of their turns.
      Comparator<Map.Entry<Lane, Deque<W>>> fewestTokens =
          Comparator.comparingInt(entry -> tokensOf(entry.getKey().tenant()));
      fewestTokens = fewestTokens.thenComparingInt(entry -> tokensOf(entry.getKey()));
      while (!lanes.isEmpty()) {
        Deque<W> lane = lanes.entrySet().stream().min(fewestTokens).orElseThrow().getValue();
        W row = lane.remove();
        if (!fits(row)) {
          return;
        }
        take(row);
        if (lane.isEmpty()) {
          lanes.remove(row.lane());
        }
      }
    }

    private int tokensOf(String tenant) {
      return tenantTokens.getOrDefault(tenant, 0);
    }

    private int tokensOf(Lane lane) {
      return laneTokens.getOrDefault(lane, 0);
    }

    private boolean fits(W row) {
      int more = rows.size() + 1;
      return more <= policy.maxRows()
          && (long) more * Math.max(longest, row.tokens()) <= policy.tokenBudget();
    }

    private void take(W row) {
      rows.add(row);
      longest = Math.max(longest, row.tokens());
      tenantTokens.merge(row.lane().tenant(), row.tokens(), Integer::sum);
      laneTokens.merge(row.lane(), row.tokens(), Integer::sum);
    }
  }
}
