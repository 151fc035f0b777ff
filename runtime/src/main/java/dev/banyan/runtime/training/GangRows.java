package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.runtime.ort.NativeTensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * One job's rows of a step, taken out of what its solo run would feed, with its labels in the form
 * of the gang's graph: how much each label counts in each row.
 *
 * <table>
 * <caption>Labels and the part that a row has in the job's mean loss, by task</caption>
 * <tr><td>text and token classification</td><td>the smoothed label times its class weight</td>
 *     <td>1 / the sum of the class weights of all labels that count</td></tr>
 * <tr><td>multi-label</td><td>zeros and ones</td><td>1 / (rows * labels)</td></tr>
 * <tr><td>regression</td><td>the number</td><td>1 / rows</td></tr>
 * </table>
 */
final class GangRows {
  /** Keeps a batch in which nothing counts from dividing by zero, as the solo graph does. */
  private static final float TINY = 1e-12f;

  private final Map<String, long[]> inputs = new LinkedHashMap<>();
  private final int rows;
  private final int length;
  private final float[] scalings;
  private final int positions;
  private final int classes;
  private final float[] labels;
  private final float weight;

  /**
   * Copies what a step needs.
   *
   * @param task what the bundle learns
   * @param names the base model's inputs
   * @param feeds the user inputs of the graph for one adapter
   */
  GangRows(Task task, List<String> names, Map<String, NativeTensor> feeds) {
    names.forEach(name -> inputs.put(name, of(feeds, name).longs()));
    NativeTensor first = of(feeds, names.getFirst());
    rows = Math.toIntExact(first.shape().dim(0));
    length = Math.toIntExact(first.shape().dim(1));
    scalings = of(feeds, "lora_scaling").floats();
    switch (task) {
      case TEXT_CLASSIFICATION, TOKEN_CLASSIFICATION -> {
        long[] ids = of(feeds, "labels").longs();
        float[] weights = of(feeds, "class_weights").floats();
        classes = weights.length;
        positions = ids.length / rows;
        labels = smoothed(ids, weights, of(feeds, "label_smoothing").floats()[0]);
        weight = 1 / Math.max(counted(ids, weights), TINY);
      }
      case MULTI_LABEL, REGRESSION -> {
        labels = of(feeds, "labels").floats();
        classes = labels.length / rows;
        positions = 1;
        weight = 1f / labels.length;
      }
      default -> throw new IllegalArgumentException("No gang of the task " + task.text());
    }
  }

  private static NativeTensor of(Map<String, NativeTensor> feeds, String name) {
    return Objects.requireNonNull(feeds.get(name), name);
  }

  private static float[] smoothed(long[] ids, float[] weights, float smoothing) {
    float[] result = new float[ids.length * weights.length];
    float even = smoothing / weights.length;
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] >= 0) {
        int from = i * weights.length;
        for (int label = 0; label < weights.length; label++) {
          result[from + label] = even * weights[label];
        }
        int own = Math.toIntExact(ids[i]);
        result[from + own] += weights[own] * (1 - smoothing);
      }
    }
    return result;
  }

  private static float counted(long[] ids, float[] weights) {
    float sum = 0;
    for (long id : ids) {
      sum += id >= 0 ? weights[Math.toIntExact(id)] : 0;
    }
    return sum;
  }

  /** Number of rows. */
  int rows() {
    return rows;
  }

  /** Tokens a row, padding included. */
  int length() {
    return length;
  }

  /**
   * What LoRA's product is multiplied by.
   *
   * @param site index of the layer
   */
  float scaling(int site) {
    return scalings[Math.min(site, scalings.length - 1)];
  }

  /** Labels that a row is given numbers for: 1, or as many as tokens. */
  int positions() {
    return positions;
  }

  /** Number of classes. */
  int classes() {
    return classes;
  }

  /** The part that each row's loss has in the job's mean loss. */
  float weight() {
    return weight;
  }

  /**
   * Writes an input of the base model behind other jobs' rows.
   *
   * @param target {@code [all rows, to]}, filled with padding
   * @param firstRow where these rows begin
   * @param to tokens a row there, at least {@link #length}
   */
  void writeInput(String name, long[] target, int firstRow, int to) {
    long[] own = Objects.requireNonNull(inputs.get(name));
    for (int row = 0; row < rows; row++) {
      System.arraycopy(own, row * length, target, (firstRow + row) * to, length);
    }
  }

  /**
   * Writes the labels behind other jobs' ones.
   *
   * @param target {@code [all rows, toPositions, toClasses]}, filled with zeros
   */
  void writeLabels(float[] target, int firstRow, int toPositions, int toClasses) {
    for (int row = 0; row < rows; row++) {
      for (int position = 0; position < positions; position++) {
        int from = (row * positions + position) * classes;
        int at = ((firstRow + row) * toPositions + position) * toClasses;
        System.arraycopy(labels, from, target, at, classes);
      }
    }
  }

  /** Writes the weight of each row behind other jobs' ones. */
  void writeWeights(float[] target, int firstRow) {
    Arrays.fill(target, firstRow, firstRow + rows, weight);
  }
}
