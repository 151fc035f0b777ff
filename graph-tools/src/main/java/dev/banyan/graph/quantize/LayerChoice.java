package dev.banyan.graph.quantize;

import java.util.Optional;

/**
 * Which weights are stored in few bits: those of all linear layers but the output head, and what is
 * asked for beside them.
 *
 * @param head true for the output head too
 * @param embeddings true for tables of embeddings too
 * @param exclude layers to leave out: names, or a regular expression over module paths
 */
public record LayerChoice(boolean head, boolean embeddings, Optional<String> exclude) {
  /** All linear layers but the output head. */
  public static LayerChoice usual() {
    return new LayerChoice(false, false, Optional.empty());
  }
}
