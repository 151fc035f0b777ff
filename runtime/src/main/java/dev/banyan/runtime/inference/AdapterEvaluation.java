package dev.banyan.runtime.inference;

import dev.banyan.runtime.data.DataFailure;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.data.EncodedData;
import dev.banyan.runtime.data.LabelSet;
import dev.banyan.runtime.data.ShuffledBatches;
import dev.banyan.runtime.data.TaskEncoder;
import dev.banyan.runtime.report.Score;
import dev.banyan.runtime.tally.Tally;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Judges a loaded adapter by a data set, through the same path that serves requests.
 *
 * @param model the base
 * @param slot where the adapter is; 0 judges the bare base
 * @param batchSize examples a run
 */
public record AdapterEvaluation(BaseModel model, int slot, int batchSize) {
  /**
   * Scores a data set of the bundle's task.
   *
   * @param labels the adapter's labels by class id; none for the embedding task
   * @throws DataFailure if an example lacks what the task needs or has an unknown label
   */
  public Score score(Dataset data, List<String> labels) {
    Optional<LabelSet> known =
        labels.isEmpty() ? Optional.empty() : Optional.of(new LabelSet(labels));
    EncodedData encoded = new TaskEncoder(model.manifest(), known, model.tokenizer()).encode(data);
    Tally tally = Tally.of(model.manifest(), encoded.targets(), known);
    for (List<Integer> picked : new ShuffledBatches(0, batchSize).byLength(encoded.lengths())) {
      List<Row> rows =
          encoded.rows(picked).stream().map(encoding -> new Row(encoding, slot)).toList();
      BatchOutput output = model.run(rows);
      tally.add(
          picked,
          IntStream.range(0, rows.size())
              .mapToObj(
                  row ->
                      known.isPresent()
                          ? output.logits(row, known.get().size())
                          : output.embedding(row))
              .toList());
    }
    return tally.score();
  }
}
