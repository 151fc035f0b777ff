package dev.banyan.runtime.inference;

import dev.banyan.artifacts.adapter.AdapterConfig;
import dev.banyan.artifacts.adapter.OwnConfig;
import dev.banyan.artifacts.bundle.AdapterInfo;
import dev.banyan.artifacts.bundle.MethodName;
import java.util.Map;
import java.util.TreeMap;

/**
 * Holds what an adapter says of its methods against what is in a bundle's graphs. Tensors alone do
 * not tell which activation they were trained with.
 */
final class OwnSettings {
  private static final String ACTIVATION = "activation";
  private static final String KIND = "kind";

  /** The kind that reads another value than the others do. */
  private static final String PARALLEL = "parallel";

  private OwnSettings() {}

  /**
   * Checks the methods that both have.
   *
   * @throws dev.banyan.artifacts.integrity.UnusableArtifact if the bundle would compute something
   *     else
   */
  static void requireFit(AdapterConfig config, AdapterInfo bundle) {
    if (config instanceof OwnConfig own) {
      for (OwnConfig.Own each : own.own()) {
        if (each.method() == MethodName.BOTTLENECK) {
          bundle
              .method(each.method())
              .ifPresent(info -> requireFit(each.settings(), info.settings()));
        }
      }
    }
  }

  private static void requireFit(Map<String, String> adapter, Map<String, String> bundle) {
    if (!computed(adapter).equals(computed(bundle))) {
      throw AdapterFitting.unusable(
          "its bottlenecks have kind %s and activation %s, those of this bundle %s and %s"
              .formatted(
                  adapter.get(KIND),
                  adapter.get(ACTIVATION),
                  bundle.get(KIND),
                  bundle.get(ACTIVATION)),
          "prepare a bundle of the base with --method bottleneck:kind=%s;activation=%s"
              .formatted(adapter.get(KIND), adapter.get(ACTIVATION)));
    }
  }

  /**
   * What changes answers: where the other kinds are is seen by the tensors, and scaling is folded
   * in.
   */
  private static Map<String, String> computed(Map<String, String> settings) {
    Map<String, String> computed = new TreeMap<>();
    computed.put(ACTIVATION, settings.getOrDefault(ACTIVATION, ""));
    computed.put(PARALLEL, Boolean.toString(PARALLEL.equals(settings.get(KIND))));
    return computed;
  }
}
