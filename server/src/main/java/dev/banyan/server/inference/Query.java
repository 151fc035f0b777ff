package dev.banyan.server.inference;

import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Texts for a model.
 *
 * @param wanted who is to answer
 * @param texts what to answer
 * @param abandoned true once nobody waits for the answer any more
 */
public record Query(Wanted wanted, List<String> texts, BooleanSupplier abandoned) {
  /** Copies the texts. */
  public Query {
    texts = List.copyOf(texts);
  }
}
