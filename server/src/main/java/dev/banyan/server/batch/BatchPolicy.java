package dev.banyan.server.batch;

/**
 * How large a batch may become.
 *
 * @param tokenBudget most tokens in one batch, padding included; one row that is longer than this
 *     still runs, alone
 * @param maxRows most rows in one batch
 * @param shortestBucket rows up to this length are not told apart by length; above it, each bucket
 *     reaches to twice the length of the one below
 */
public record BatchPolicy(int tokenBudget, int maxRows, int shortestBucket) {
  /**
   * Checks that a batch can hold a row.
   *
   * @throws IllegalArgumentException if a limit is not positive
   */
  public BatchPolicy {
    if (tokenBudget < 1 || maxRows < 1 || shortestBucket < 1) {
      throw new IllegalArgumentException(
          "Every limit of a batch must be positive: %d tokens, %d rows, buckets from %d"
              .formatted(tokenBudget, maxRows, shortestBucket));
    }
  }

  /** Up to 2048 tokens or 64 rows; buckets 32, 64, 128, ... */
  public static BatchPolicy defaults() {
    return new BatchPolicy(2048, 64, 32);
  }

  /**
   * The longest row that may share a batch with a row of this length. Within a bucket at most half
   * of a row is padding.
   */
  int bucket(int tokens) {
    int ceiling = shortestBucket;
    while (ceiling < tokens) {
      ceiling = Math.multiplyExact(ceiling, 2);
    }
    return ceiling;
  }
}
