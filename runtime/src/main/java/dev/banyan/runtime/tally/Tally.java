package dev.banyan.runtime.tally;

import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.EmbeddingInfo;
import dev.banyan.runtime.data.LabelSet;
import dev.banyan.runtime.data.Targets;
import dev.banyan.runtime.report.Score;
import java.util.List;
import java.util.Optional;

/**
 * Adds up the answers to a data set. Losses are the plain ones of PyTorch, without label smoothing
 * and class weights, so that runs with and without them can be compared.
 */
public sealed interface Tally
    permits ClassTally, ClassSetTally, ValueTally, TagTally, RetrievalTally, NextTokenTally {
  /**
   * A tally for a data set.
   *
   * @param labels the labels by class id; empty for a task without a head
   */
  static Tally of(BundleManifest manifest, Targets targets, Optional<LabelSet> labels) {
    return switch (targets) {
      case Targets.Classes classes -> new ClassTally(classes);
      case Targets.ClassSets sets -> new ClassSetTally(sets);
      case Targets.Values values ->
          labels.isPresent() ? ValueTally.ofNumbers(values) : ValueTally.ofCosines(values);
      case Targets.Tags tags -> new TagTally(tags, labels.orElseThrow());
      case Targets.NextTokens _ -> new NextTokenTally();
      case Targets.None _ -> new RetrievalTally(embedding(manifest));
    };
  }

  private static EmbeddingInfo embedding(BundleManifest manifest) {
    return manifest.embedding().orElseThrow();
  }

  /**
   * Adds a batch.
   *
   * @param picked places of its examples
   * @param answers the model's output row by row: the logits {@code [labels]} of a text, {@code
   *     [length, labels]} of its tokens, or embeddings {@code [hidden]} of length 1, first those of
   *     all first texts, then those of all second ones
   */
  void add(List<Integer> picked, List<float[]> answers);

  /** The score of all that was added, at least one batch. */
  Score score();
}
