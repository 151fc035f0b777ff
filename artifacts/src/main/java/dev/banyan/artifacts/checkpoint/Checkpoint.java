package dev.banyan.artifacts.checkpoint;

import dev.banyan.artifacts.tensor.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The contents of a training checkpoint.
 *
 * @param trainable parameters that training changes; the names are graph inputs
 * @param frozen parameters that it does not change; Banyan keeps these in the graph instead
 * @param optimizer the optimizer's memory; absent in a fresh checkpoint
 * @param properties whatever belongs to the run: each value a {@link Long}, {@link Float} or {@link
 *     String}
 */
public record Checkpoint(
    List<Tensor> trainable,
    List<Tensor> frozen,
    Optional<OptimizerState> optimizer,
    Map<String, Object> properties) {
  /**
   * Copies the collections.
   *
   * @throws IllegalArgumentException if a property is of another type
   */
  public Checkpoint {
    trainable = List.copyOf(trainable);
    frozen = List.copyOf(frozen);
    properties = Collections.unmodifiableMap(new LinkedHashMap<>(properties));
    properties.forEach(
        (name, value) -> {
          if (!(value instanceof Long || value instanceof Float || value instanceof String)) {
            throw new IllegalArgumentException(
                "Property '%s' is a %s; a checkpoint holds Long, Float and String"
                    .formatted(name, value.getClass().getSimpleName()));
          }
        });
  }

  /** A starting point: these parameters, nothing trained yet. */
  public static Checkpoint fresh(List<Tensor> trainable) {
    return new Checkpoint(trainable, List.of(), Optional.empty(), Map.of());
  }
}
