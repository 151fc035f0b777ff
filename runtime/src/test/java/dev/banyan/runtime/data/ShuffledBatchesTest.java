package dev.banyan.runtime.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShuffledBatchesTest {
  @ParameterizedTest
  @CsvSource({"1,16", "15,16", "16,16", "17,16", "240,16", "1000,8", "5000,32"})
  void everyExampleOccursOnceInBatchesOfTheSize(int examples, int batchSize) {
    ShuffledBatches batches = new ShuffledBatches(42, batchSize);
    List<List<Integer>> epoch = batches.epoch(lengths(examples), 0);
    assertThat(epoch)
        .hasSize(Math.ceilDiv(examples, batchSize))
        .hasSize(batches.count(lengths(examples), 0));
    assertThat(epoch.stream().flatMap(List::stream))
        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, examples).boxed().toList());
    assertThat(epoch.stream().mapToInt(List::size).filter(size -> size == batchSize).count())
        .isEqualTo(examples / batchSize);
  }

  @Test
  void orderDependsOnSeedAndEpochOnly() {
    int[] lengths = lengths(500);
    ShuffledBatches batches = new ShuffledBatches(1, 16);
    assertThat(batches.epoch(lengths, 3)).isEqualTo(new ShuffledBatches(1, 16).epoch(lengths, 3));
    assertThat(batches.epoch(lengths, 3)).isNotEqualTo(batches.epoch(lengths, 4));
    assertThat(batches.epoch(lengths, 3))
        .isNotEqualTo(new ShuffledBatches(2, 16).epoch(lengths, 3));
  }

  @Test
  void batchesPadMuchLessThanChanceWould() {
    int[] lengths = lengths(2000);
    double bucketed = padding(new ShuffledBatches(1, 16).epoch(lengths, 0), lengths);
    List<Integer> inOrder = IntStream.range(0, 2000).boxed().toList();
    double plain =
        padding(
            IntStream.range(0, 125).mapToObj(i -> inOrder.subList(i * 16, i * 16 + 16)).toList(),
            lengths);
    assertThat(plain).isGreaterThan(0.4);
    assertThat(bucketed).isLessThan(0.1);
  }

  @ParameterizedTest
  @CsvSource({"16,0", "0,900"})
  void shuffledBatchesHoldTextsOfAllLengths(int examples, int tokens) {
    int[] lengths = lengths(2000);
    BatchSize size = examples > 0 ? new BatchSize.Examples(examples) : new BatchSize.Tokens(tokens);
    List<List<Integer>> epoch = new ShuffledBatches(1, size, BatchOrder.SHUFFLED).epoch(lengths, 0);
    assertThat(epoch.stream().flatMap(List::stream))
        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, 2000).boxed().toList());
    assertThat(padding(epoch, lengths)).isGreaterThan(0.3);
    for (List<Integer> batch : epoch) {
      int longest = batch.stream().mapToInt(i -> lengths[i]).max().orElseThrow();
      assertThat(batch.size()).isLessThanOrEqualTo(size.fits(longest));
    }
  }

  @Test
  void longestTextsAreEvaluatedFirst() {
    int[] lengths = {3, 9, 1, 9, 5};
    assertThat(new ShuffledBatches(1, 2).byLength(lengths))
        .containsExactly(List.of(1, 3), List.of(4, 0), List.of(2));
  }

  @ParameterizedTest
  @CsvSource({"64,0", "512,0.95", "2048,0.8", "8192,0.5"})
  void batchesOfATokenBudgetCostTheSame(int budget, double leastOftenFull) {
    int[] lengths = lengths(2000);
    List<List<Integer>> epoch =
        new ShuffledBatches(3, new BatchSize.Tokens(budget), BatchOrder.BY_LENGTH)
            .epoch(lengths, 0);
    assertThat(epoch.stream().flatMap(List::stream))
        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, 2000).boxed().toList());
    int full = 0;
    for (List<Integer> batch : epoch) {
      int longest = batch.stream().mapToInt(i -> lengths[i]).max().orElseThrow();
      // More than the budget only if a single text is.
      assertThat(batch.size() == 1 || batch.size() * longest <= budget).isTrue();
      full += (batch.size() + 1) * longest > budget ? 1 : 0;
    }
    assertThat((double) full / epoch.size()).isGreaterThanOrEqualTo(leastOftenFull);
  }

  private static double padding(List<List<Integer>> batches, int[] lengths) {
    long cells = 0;
    long tokens = 0;
    for (List<Integer> batch : batches) {
      cells += (long) batch.size() * batch.stream().mapToInt(i -> lengths[i]).max().orElseThrow();
      tokens += batch.stream().mapToInt(i -> lengths[i]).sum();
    }
    return 1 - (double) tokens / cells;
  }

  private static int[] lengths(int count) {
    return new Random(7).ints(count, 3, 128).toArray();
  }
}
