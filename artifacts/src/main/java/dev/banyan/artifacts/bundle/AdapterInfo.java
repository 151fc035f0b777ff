package dev.banyan.artifacts.bundle;

import java.util.List;

/**
 * What is adapted.
 *
 * @param method the adapter method, {@code lora}
 * @param targets the selection as it was asked for, such as {@code query,value} or {@code
 *     all-linear}
 * @param sites module paths of the adapted layers, in graph order
 * @param peftPrefix what PEFT puts before a module path, such as {@code bert}; empty for a model
 *     without a head
 * @param bias which biases of the base are trained
 * @param modulesToSave names of modules of the base that are trained whole, as they were asked for;
 *     without the head, which always is
 */
public record AdapterInfo(
    String method,
    String targets,
    List<String> sites,
    String peftPrefix,
    BiasTraining bias,
    List<String> modulesToSave) {
  /** Copies the lists. */
  public AdapterInfo {
    sites = List.copyOf(sites);
    modulesToSave = List.copyOf(modulesToSave);
  }

  /** Adapters beside a base that stays as it is. */
  public AdapterInfo(String method, String targets, List<String> sites, String peftPrefix) {
    this(method, targets, sites, peftPrefix, BiasTraining.NONE, List.of());
  }
}
