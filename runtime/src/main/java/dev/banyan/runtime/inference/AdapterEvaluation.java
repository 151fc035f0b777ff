package dev.banyan.runtime.inference;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.runtime.data.DataFailure;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.data.LabelSet;
import dev.banyan.runtime.data.ShuffledBatches;
import dev.banyan.runtime.report.Score;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * Judges a loaded adapter by a data set, through the same path that serves requests.
 *
 * @param model the base
 * @param slot where the adapter is; 0 judges the bare base
 * @param batchSize examples a run
 */
public record AdapterEvaluation(BaseModel model, int slot, int batchSize) {
  /**
   * Scores labels, or for the embedding task pairs: a text is right if no other partner of its
   * batch is nearer than its own.
   *
   * @param labels the adapter's labels by class id; not used for the embedding task
   * @throws DataFailure if an example lacks what the task needs or has an unknown label
   */
  public Score score(Dataset data, List<String> labels) {
    return model.manifest().task() == Task.EMBEDDING
        ? pairs(data)
        : labelled(data, new LabelSet(labels));
  }

  private Score labelled(Dataset data, LabelSet labels) {
    long[] ids = labels.idsOf(data);
    List<Encoding> texts = model.tokenizer().encodeAll(data.examples());
    List<Integer> predicted = new ArrayList<>(ids.length);
    List<Integer> actual = new ArrayList<>(ids.length);
    double loss = 0;
    for (List<Integer> picked : batches(texts)) {
      BatchOutput output = model.run(rows(picked.stream().map(texts::get)));
      for (int row = 0; row < picked.size(); row++) {
        float[] logits = output.logits(row, labels.size());
        int right = Math.toIntExact(ids[picked.get(row)]);
        predicted.add(Score.argmax(logits, 0, logits.length));
        actual.add(right);
        loss += crossEntropy(logits, right);
      }
    }
    return Score.ofLabels(predicted, actual, loss / ids.length);
  }

  private Score pairs(Dataset data) {
    List<Encoding> texts = model.tokenizer().encodeAll(data.texts());
    List<Encoding> partners = model.tokenizer().encodeAll(data.partners());
    int right = 0;
    for (List<Integer> picked : batches(texts)) {
      BatchOutput output =
          model.run(
              rows(
                  Stream.concat(
                      picked.stream().map(texts::get), picked.stream().map(partners::get))));
      right += Score.retrieved(output.embeddings(), picked.size());
    }
    return new Score(
        (double) right / texts.size(), OptionalDouble.empty(), Double.NaN, texts.size());
  }

  private List<List<Integer>> batches(List<Encoding> texts) {
    int[] lengths = texts.stream().mapToInt(Encoding::length).toArray();
    return new ShuffledBatches(0, batchSize).byLength(lengths);
  }

  private List<Row> rows(Stream<Encoding> encodings) {
    return encodings.map(encoding -> new Row(encoding, slot)).toList();
  }

  private static double crossEntropy(float[] logits, int right) {
    double sum = 0;
    float highest = logits[Score.argmax(logits, 0, logits.length)];
    for (float logit : logits) {
      sum += Math.exp(logit - highest);
    }
    return Math.log(sum) + highest - logits[right];
  }
}
