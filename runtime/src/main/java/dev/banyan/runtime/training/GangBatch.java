package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

/**
 * The rows of all jobs of a step as inputs of the gang's graph: one job below the other, each row
 * filled up to the longest of all.
 *
 * @param task what the bundle learns
 * @param inputs the base model's inputs
 * @param padId the token that fills up short rows
 */
record GangBatch(Task task, List<String> inputs, long padId) {
  /** The graph's inputs beside the banks; job i is in slot i. */
  Map<String, NativeTensor> feeds(TensorScope scope, List<GangRows> jobs) {
    int rows = jobs.stream().mapToInt(GangRows::rows).sum();
    int length = most(jobs, GangRows::length);
    Map<String, NativeTensor> feeds = new LinkedHashMap<>();
    for (String input : inputs) {
      long[] values = new long[Math.multiplyExact(rows, length)];
      Arrays.fill(values, input.equals("input_ids") ? padId : 0);
      forEach(jobs, (job, firstRow) -> job.writeInput(input, values, firstRow, length));
      feeds.put(input, scope.longs(values, rows, length));
    }
    feeds.put("labels", labels(scope, jobs, rows));
    float[] weights = new float[rows];
    forEach(jobs, (job, firstRow) -> job.writeWeights(weights, firstRow));
    feeds.put("row_weights", scope.floats(weights, rows));
    long[] slots = new long[rows];
    forEach(
        jobs,
        (job, firstRow) -> Arrays.fill(slots, firstRow, firstRow + job.rows(), jobs.indexOf(job)));
    feeds.put("adapter_ids", scope.longs(slots, rows));
    return feeds;
  }

  private NativeTensor labels(TensorScope scope, List<GangRows> jobs, int rows) {
    int positions = most(jobs, GangRows::positions);
    int classes = most(jobs, GangRows::classes);
    float[] values = new float[Math.multiplyExact(rows, Math.multiplyExact(positions, classes))];
    forEach(jobs, (job, firstRow) -> job.writeLabels(values, firstRow, positions, classes));
    return switch (task) {
      case TOKEN_CLASSIFICATION -> scope.floats(values, rows, positions, classes);
      case REGRESSION -> scope.floats(values, rows);
      default -> scope.floats(values, rows, classes);
    };
  }

  private static int most(List<GangRows> jobs, ToIntFunction<GangRows> size) {
    return jobs.stream().mapToInt(size).max().orElseThrow();
  }

  /** Does something with a job and the row that it begins with. */
  @FunctionalInterface
  private interface Writing {
    void write(GangRows job, int firstRow);
  }

  private static void forEach(List<GangRows> jobs, Writing writing) {
    int firstRow = 0;
    for (GangRows job : jobs) {
      writing.write(job, firstRow);
      firstRow += job.rows();
    }
  }
}
