package dev.banyan.server.quickstart;

import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.data.Example;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.BatchOutput;
import dev.banyan.runtime.inference.Row;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The baseline that needs no training: a text gets the label whose training texts' mean embedding,
 * by the bare base model, is the most similar by cosine.
 */
record NearestCentroid(BaseModel base) {
  private static final int BATCH = 32;

  /** The share of held-out texts that get their label. */
  double accuracy(Dataset train, Dataset eval) {
    Map<String, float[]> centroids = new LinkedHashMap<>();
    List<Example.Labelled> examples = train.examples(Example.Labelled::of);
    List<float[]> known = embed(examples);
    for (int i = 0; i < known.size(); i++) {
      float[] embedding = known.get(i);
      float[] sum =
          centroids.computeIfAbsent(examples.get(i).label(), label -> new float[embedding.length]);
      for (int d = 0; d < sum.length; d++) {
        sum[d] += embedding[d];
      }
    }
    List<Example.Labelled> questions = eval.examples(Example.Labelled::of);
    List<float[]> asked = embed(questions);
    int right = 0;
    for (int i = 0; i < asked.size(); i++) {
      right += nearest(centroids, asked.get(i)).equals(questions.get(i).label()) ? 1 : 0;
    }
    return (double) right / asked.size();
  }

  private static String nearest(Map<String, float[]> centroids, float[] embedding) {
    String best = "";
    double highest = Double.NEGATIVE_INFINITY;
    for (var centroid : centroids.entrySet()) {
      double cosine =
          dot(centroid.getValue(), embedding)
              / Math.sqrt(dot(centroid.getValue(), centroid.getValue()));
      if (cosine > highest) {
        highest = cosine;
        best = centroid.getKey();
      }
    }
    return best;
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  private List<float[]> embed(List<Example.Labelled> examples) {
    List<Encoding> encodings =
        base.tokenizer().encodeAll(examples.stream().map(Example.Labelled::content).toList());
    List<float[]> embeddings = new ArrayList<>();
    for (int from = 0; from < encodings.size(); from += BATCH) {
      List<Row> rows =
          encodings.subList(from, Math.min(from + BATCH, encodings.size())).stream()
              .map(encoding -> new Row(encoding, 0))
              .toList();
      BatchOutput output = base.run(rows);
      for (int row = 0; row < rows.size(); row++) {
        embeddings.add(output.embedding(row));
      }
    }
    return embeddings;
  }
}
