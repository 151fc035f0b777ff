package dev.banyan.server.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchPlanTest {
  private static final BatchPolicy POLICY = new BatchPolicy(256, 8, 16);

  private record Row(int number, Lane lane, int tokens) implements Waiting {}

  private int numbers;

  private Row row(String tenant, String adapter, int tokens) {
    return new Row(numbers++, new Lane(tenant, adapter), tokens);
  }

  private List<Row> rows(int count, String tenant, String adapter, int tokens) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      rows.add(row(tenant, adapter, tokens));
    }
    return rows;
  }

  private static Map<String, Long> rowsByTenant(Batch<Row> batch) {
    Map<String, Long> result = new HashMap<>();
    batch.rows().forEach(row -> result.merge(row.lane().tenant(), 1L, Long::sum));
    return result;
  }

  @Test
  void nothingWaitingGivesAnEmptyBatch() {
    Batch<Row> batch = BatchPlan.next(List.of(), Turns.NONE, POLICY);

    assertThat(batch.rows()).isEmpty();
    assertThat(batch.turns()).isEqualTo(Turns.NONE);
  }

  @Test
  void rowsOfDifferentAdaptersShareABatch() {
    List<Row> waiting = List.of(row("a", "x", 10), row("b", "y", 12), row("c", "z", 9));

    assertThat(BatchPlan.next(waiting, Turns.NONE, POLICY).rows())
        .containsExactlyInAnyOrderElementsOf(waiting);
  }

  @Test
  void paddedTokensStayWithinTheBudget() {
    List<Row> waiting = rows(20, "a", "x", 60);

    // 5 x 60 tokens would exceed 256.
    assertThat(BatchPlan.next(waiting, Turns.NONE, POLICY).rows())
        .containsExactlyElementsOf(waiting.subList(0, 4));
  }

  @Test
  void rowsStayWithinTheirLimit() {
    assertThat(BatchPlan.next(rows(20, "a", "x", 2), Turns.NONE, POLICY).rows()).hasSize(8);
  }

  @Test
  void aRowBeyondTheBudgetRunsAlone() {
    List<Row> waiting = List.of(row("a", "x", 300), row("b", "y", 300));

    assertThat(BatchPlan.next(waiting, Turns.NONE, POLICY).rows())
        .containsExactly(waiting.getFirst());
  }

  @Test
  void rowsOfAnotherLengthWaitForAnotherBatch() {
    Row shortRow = row("a", "x", 10);
    Row longRow = row("b", "y", 100);
    Row alsoShort = row("c", "z", 16);
    List<Row> waiting = List.of(shortRow, longRow, alsoShort);

    Batch<Row> first = BatchPlan.next(waiting, Turns.NONE, POLICY);
    Batch<Row> second = BatchPlan.next(List.of(longRow), first.turns(), POLICY);

    assertThat(first.rows()).containsExactly(shortRow, alsoShort);
    assertThat(second.rows()).containsExactly(longRow);
  }

  @Test
  void aBatchIsSharedEquallyBetweenTenantsHoweverMuchOneSends() {
    List<Row> waiting = new ArrayList<>(rows(100, "flood", "x", 10));
    waiting.addAll(rows(4, "small", "y", 10));

    assertThat(rowsByTenant(BatchPlan.next(waiting, Turns.NONE, POLICY)))
        .containsEntry("flood", 4L)
        .containsEntry("small", 4L);
  }

  @Test
  void manyAdaptersGiveATenantNoLargerShare() {
    List<Row> waiting = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      waiting.add(row("many", "adapter-" + i, 10));
    }
    waiting.addAll(rows(20, "one", "y", 10));

    assertThat(rowsByTenant(BatchPlan.next(waiting, Turns.NONE, POLICY)))
        .containsEntry("many", 4L)
        .containsEntry("one", 4L);
  }

  @Test
  void rowsOfALaneKeepTheirOrder() {
    List<Row> waiting = rows(6, "a", "x", 10);

    assertThat(BatchPlan.next(waiting, Turns.NONE, POLICY).rows())
        .containsExactlyElementsOf(waiting);
  }

  @Test
  void theWaitingRowsAreNotChanged() {
    List<Row> waiting = List.copyOf(rows(6, "a", "x", 10));

    Batch<Row> once = BatchPlan.next(waiting, Turns.NONE, POLICY);

    assertThat(BatchPlan.next(waiting, Turns.NONE, POLICY)).isEqualTo(once);
  }

  /**
   * The promise itself, under random traffic that never lets up, with lengths that keep rows of a
   * lane out of the others' batches: the oldest row of a lane runs within T x A batches, T and A
   * being the most tenants and the most adapters of a tenant that waited meanwhile.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void theOldestRowOfALaneRunsWithinItsBound(long seed) {
    Random random = new Random(seed);
    List<Row> waiting = new ArrayList<>();
    Turns turns = Turns.NONE;
    Map<Lane, Wait> waits = new HashMap<>();
    int longestWait = 0;
    for (int step = 0; step < 1000; step++) {
      for (int i = random.nextInt(12); i > 0 && waiting.size() < 150; i--) {
        waiting.add(arrival(random));
      }
      waits.keySet().retainAll(lanes(waiting));
      for (Row row : waiting) {
        waits.computeIfAbsent(row.lane(), lane -> new Wait());
      }
      Crowd crowd = Crowd.of(waiting);
      waits.values().forEach(wait -> wait.meet(crowd));
      Batch<Row> batch = BatchPlan.next(waiting, turns, POLICY);
      turns = batch.turns();
      for (Map.Entry<Lane, Wait> entry : waits.entrySet()) {
        longestWait = Math.max(longestWait, entry.getValue().batches);
        assertThat(entry.getValue().batches)
            .as("seed %d, step %d, lane %s", seed, step, entry.getKey())
            .isLessThanOrEqualTo(entry.getValue().bound());
      }
      oldestOfEachLane(waiting).stream()
          .filter(batch.rows()::contains)
          .forEach(row -> waits.remove(row.lane()));
      waiting.removeAll(batch.rows());
    }
    // The traffic was heavy enough for the bound to matter.
    assertThat(longestWait).isGreaterThan(4);
  }

  private Row arrival(Random random) {
    // A tenant that floods with one length, one that comes and goes, others with long rows.
    return switch (random.nextInt(6)) {
      case 0, 1, 2 -> row("flood", "x", 10);
      case 3 -> row("comes-and-goes", "adapter-" + random.nextInt(3), 20 + random.nextInt(10));
      default ->
          row("tenant-" + random.nextInt(4), "a" + random.nextInt(3), 1 + random.nextInt(250));
    };
  }

  private static Set<Lane> lanes(List<Row> waiting) {
    Set<Lane> lanes = new HashSet<>();
    waiting.forEach(row -> lanes.add(row.lane()));
    return lanes;
  }

  private static List<Row> oldestOfEachLane(List<Row> waiting) {
    Map<Lane, Row> oldest = new HashMap<>();
    waiting.forEach(row -> oldest.putIfAbsent(row.lane(), row));
    return List.copyOf(oldest.values());
  }

  private record Crowd(int tenants, int adapters) {
    static Crowd of(List<Row> waiting) {
      Map<String, Set<Lane>> lanes = new HashMap<>();
      for (Row row : waiting) {
        lanes.computeIfAbsent(row.lane().tenant(), key -> new HashSet<>()).add(row.lane());
      }
      int adapters = lanes.values().stream().mapToInt(Set::size).max().orElse(0);
      return new Crowd(lanes.size(), adapters);
    }
  }

  /** How long the oldest row of a lane has waited, and in what company. */
  private static final class Wait {
    private int batches;
    private int tenants;
    private int adapters;

    void meet(Crowd crowd) {
      batches++;
      tenants = Math.max(tenants, crowd.tenants());
      adapters = Math.max(adapters, crowd.adapters());
    }

    int bound() {
      return tenants * adapters;
    }
  }
}
