package dev.banyan.graph.export;

import dev.banyan.graph.MergeReport.Answers;
import dev.banyan.graph.ir.Model;
import java.nio.file.Path;

/** A base that takes one adapter into its weights. */
sealed interface MergedModel permits MergedEncoder, MergedDecoder {
  /** The model; whole once it is merged. */
  Model model();

  /** What became of its layers. */
  LayerMerges layers();

  /**
   * Puts the adapter into the weights.
   *
   * @param folder where new weights are kept; views of its files are the model's
   */
  void merge(Path folder);

  /**
   * Holds the written model against base and adapter.
   *
   * @throws dev.banyan.graph.GraphFailure.NotMergeable if it answers otherwise
   */
  Answers check(Path merged);
}
