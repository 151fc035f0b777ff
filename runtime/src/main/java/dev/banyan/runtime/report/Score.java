package dev.banyan.runtime.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.JsonText;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.OptionalDouble;
import java.util.SequencedMap;

/**
 * How well held-out examples are answered.
 *
 * @param metrics at least one; the first decides which of two scores is better
 * @param loss mean loss, which decides between equal ones
 * @param examples number of examples
 */
public record Score(SequencedMap<Metric, Double> metrics, double loss, int examples) {
  private static final String LOSS = "loss";
  private static final String EXAMPLES = "examples";

  /**
   * Copies the metrics.
   *
   * @throws IllegalArgumentException if there is none
   */
  public Score {
    if (metrics.isEmpty()) {
      throw new IllegalArgumentException("A score needs a metric");
    }
    metrics = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(metrics));
  }

  /** A score by one metric. */
  public static Score of(Metric metric, double value, double loss, int examples) {
    return new Score(new LinkedHashMap<>(Collections.singletonMap(metric, value)), loss, examples);
  }

  /** The same with one metric more. */
  public Score with(Metric metric, double value) {
    SequencedMap<Metric, Double> more = new LinkedHashMap<>(metrics);
    more.put(metric, value);
    return new Score(more, loss, examples);
  }

  /** A metric, if the task has it. */
  public OptionalDouble find(Metric metric) {
    Double value = metrics.get(metric);
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }

  /**
   * Share of right answers, 0 to 1.
   *
   * @throws java.util.NoSuchElementException if the task is not about right and wrong
   */
  public double accuracy() {
    return find(Metric.ACCURACY).orElseThrow();
  }

  /** Mean over the labels of each label's F1; empty for a task that is not about labels. */
  public OptionalDouble macroF1() {
    return find(Metric.MACRO_F1);
  }

  /**
   * Whether this one is to be preferred: better by its first metric, or as good at a lower loss.
   */
  public boolean betterThan(Score other) {
    Metric first = metrics.firstEntry().getKey();
    double mine = metrics.firstEntry().getValue();
    double theirs = other.find(first).orElseThrow();
    return mine == theirs ? loss < other.loss : first.better(mine, theirs);
  }

  /** The keys that {@code train --json} and {@code evaluate --json} print. */
  public ObjectNode toJson() {
    ObjectNode json = JsonText.object();
    metrics.forEach((metric, value) -> json.put(metric.key(), value));
    return json.put(LOSS, JsonOutput.round(loss, 7)).put(EXAMPLES, examples);
  }

  /**
   * Reads what {@link #toJson} gives, but for the digits of the loss.
   *
   * @throws IllegalArgumentException if there is no metric in it
   */
  public static Score parse(JsonNode json) {
    SequencedMap<Metric, Double> metrics = new LinkedHashMap<>();
    for (var field : json.properties()) {
      for (Metric metric : Metric.values()) {
        if (metric.key().equals(field.getKey())) {
          metrics.put(metric, field.getValue().asDouble());
        }
      }
    }
    return new Score(metrics, json.path(LOSS).asDouble(), json.path(EXAMPLES).asInt());
  }
}
