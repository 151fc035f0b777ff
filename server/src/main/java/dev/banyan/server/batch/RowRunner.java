package dev.banyan.server.batch;

import java.util.List;

/**
 * The model as the queue sees it: runs rows of many adapters at once.
 *
 * @param <I> a row
 * @param <O> its answer
 */
public interface RowRunner<I, O> {
  /** Length of a row in tokens, at least 1; called by any thread. */
  int tokens(I row);

  /** One answer a row, in the order of the rows; called by one thread only. */
  List<O> run(List<I> rows);
}
