package dev.banyan.graph.autodiff;

import dev.banyan.graph.ir.Value;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What {@link Differentiate} has made.
 *
 * @param wanted by the values that were asked for, in their order
 * @param all by every value between those and the loss
 */
public record Gradients(Map<Value, Value> wanted, Map<Value, Value> all) {
  /** Copies the maps. */
  public Gradients {
    wanted = Collections.unmodifiableMap(new LinkedHashMap<>(wanted));
    all = Map.copyOf(all);
  }
}
