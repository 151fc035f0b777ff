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
 */
public record AdapterInfo(String method, String targets, List<String> sites, String peftPrefix) {
  /** Copies the list. */
  public AdapterInfo {
    sites = List.copyOf(sites);
  }
}
