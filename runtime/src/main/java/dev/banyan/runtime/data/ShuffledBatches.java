package dev.banyan.runtime.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * The order in which an epoch visits the examples: shuffled, if wanted with texts of like length
 * together. The same seed and epoch give the same order on every machine.
 *
 * @param seed the run's seed
 * @param size how many examples make a batch; the last batch of an epoch may be smaller
 * @param order which examples share a batch
 */
public record ShuffledBatches(long seed, BatchSize size, BatchOrder order) {
  /** Texts are sorted by length inside pools of at most so many batches. */
  private static final int MAX_POOL = 50;

  /** There are at least about so many pools, or batches would be the same in every epoch. */
  private static final int MIN_POOLS = 4;

  /** Batches of so many examples each, of like length. */
  public ShuffledBatches(long seed, int examples) {
    this(seed, new BatchSize.Examples(examples), BatchOrder.BY_LENGTH);
  }

  /**
   * The batches of an epoch.
   *
   * @param lengths tokens of each example
   * @param epoch from 0
   * @return places of examples in the data set; every one occurs once
   */
  public List<List<Integer>> epoch(int[] lengths, int epoch) {
    Random random = new Random(seed * 0x9E3779B97F4A7C15L + epoch);
    List<Integer> shuffled = new ArrayList<>(IntStream.range(0, lengths.length).boxed().toList());
    Collections.shuffle(shuffled, random);
    if (order == BatchOrder.SHUFFLED) {
      return size.cut(shuffled, lengths);
    }
    int usual = size.usual(lengths);
    int pool = Math.clamp(lengths.length / ((long) usual * MIN_POOLS), 1, MAX_POOL) * usual;
    List<List<Integer>> batches = new ArrayList<>();
    for (List<Integer> examples : chunks(shuffled, pool)) {
      List<Integer> sorted = new ArrayList<>(examples);
      sorted.sort(Comparator.comparingInt((Integer i) -> lengths[i]).reversed());
      batches.addAll(size.cut(sorted, lengths));
    }
    Collections.shuffle(batches, random);
    return batches;
  }

  /**
   * Number of batches of an epoch; of a fixed size, no order is made to count them.
   *
   * @param lengths tokens of each example
   * @param epoch from 0
   */
  public int count(int[] lengths, int epoch) {
    return switch (size) {
      case BatchSize.Examples(int count) -> Math.ceilDiv(lengths.length, count);
      case BatchSize.Tokens tokens -> epoch(lengths, epoch).size();
    };
  }

  /** The batches of an evaluation: longest texts first, so that memory peaks at once. */
  public List<List<Integer>> byLength(int[] lengths) {
    List<Integer> order =
        IntStream.range(0, lengths.length)
            .boxed()
            .sorted(Comparator.comparingInt((Integer i) -> lengths[i]).reversed())
            .toList();
    return size.cut(order, lengths);
  }

  private static List<List<Integer>> chunks(List<Integer> list, int size) {
    return IntStream.range(0, Math.ceilDiv(list.size(), size))
        .mapToObj(i -> List.copyOf(list.subList(i * size, Math.min(list.size(), (i + 1) * size))))
        .toList();
  }
}
