package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.runtime.data.BatchOrder;
import dev.banyan.runtime.data.Dataset;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Everything that a run is a function of, as texts by name: digests of bundle and data, and each
 * value of the plan, such as {@code passes.epochs}. Two runs with equal facts give the same bytes.
 *
 * @param facts in a fixed order
 */
public record RunIdentity(Map<String, String> facts) {
  /** Decides how fast a run is, and not what comes out. */
  private static final String THREADS = "compute.session.threads";

  /** What runs were before there was a choice. */
  private static final Map<String, String> ONCE =
      Map.of("passes.order", BatchOrder.BY_LENGTH.toString());

  /** Copies the map, keeping its order. */
  public RunIdentity {
    facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
  }

  /** The identity of a run over a bundle. */
  public static RunIdentity of(Bundle bundle, TrainingData data, TrainingPlan plan) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("bundle", bundle.digest().toString());
    facts.put("data", digest(data.train()).toString());
    facts.put("eval", data.eval().map(held -> digest(held).toString()).orElse("none"));
    addComponents(facts, "", plan);
    facts.remove(THREADS);
    return new RunIdentity(facts);
  }

  /** By content, so that a file may have moved. */
  private static Digest digest(Dataset data) {
    Digest.Builder digest = Digest.builder();
    data.rows().forEach(row -> digest.add(row.line() + row.fields().toString()));
    return digest.build();
  }

  /** Reads the components of a record, so that no value of the plan can be forgotten here. */
  private static void addComponents(Map<String, String> facts, String prefix, Record record) {
    for (RecordComponent component : record.getClass().getRecordComponents()) {
      String name = prefix + inKebabCase(component.getName());
      Object value = value(component, record);
      if (!(value instanceof Record inner)) {
        facts.put(name, String.valueOf(value));
        continue;
      }
      if (!component.getType().equals(inner.getClass())) {
        facts.put(name, inner.getClass().getSimpleName());
      }
      addComponents(facts, name + ".", inner);
    }
  }

  private static Object value(RecordComponent component, Record record) {
    try {
      return component.getAccessor().invoke(record);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("The component " + component + " cannot be read", e);
    }
  }

  private static String inKebabCase(String name) {
    return name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
  }

  /** What makes this run another than an earlier one; empty if nothing does. */
  List<String> differencesFrom(RunIdentity earlier) {
    Map<String, String> all = new LinkedHashMap<>(earlier.facts);
    all.putAll(facts);
    List<String> differences = new ArrayList<>();
    for (String name : all.keySet()) {
      String before = earlier.facts.getOrDefault(name, ONCE.getOrDefault(name, "absent"));
      String now = facts.getOrDefault(name, "absent");
      if (!before.equals(now)) {
        differences.add("%s was %s and is %s".formatted(name, before, now));
      }
    }
    return differences;
  }
}
