package dev.banyan.artifacts.bundle;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What is adapted.
 *
 * @param methods how, in the order in which they are put into the graphs
 * @param peftPrefix what PEFT puts before a module path, such as {@code bert}; empty for a model
 *     without a head
 * @param bias which biases of the base are trained
 * @param modulesToSave names of modules of the base that are trained whole, as they were asked for;
 *     without the head, which always is
 */
public record AdapterInfo(
    List<MethodInfo> methods, String peftPrefix, BiasTraining bias, List<String> modulesToSave) {
  /** Copies the lists. */
  public AdapterInfo {
    methods = List.copyOf(methods);
    modulesToSave = List.copyOf(modulesToSave);
  }

  /** LoRA beside a base that stays as it is. */
  public static AdapterInfo lora(String targets, List<String> sites, String peftPrefix) {
    return new AdapterInfo(
        List.of(new MethodInfo(MethodName.LORA, targets, sites)),
        peftPrefix,
        BiasTraining.NONE,
        List.of());
  }

  /** The method of this name, if the bundle was prepared for it. */
  public Optional<MethodInfo> method(MethodName name) {
    return methods.stream().filter(method -> method.name() == name).findFirst();
  }

  /** Module paths of the layers that some method adapts. */
  public List<String> sites() {
    Set<String> sites = new LinkedHashSet<>();
    methods.forEach(method -> sites.addAll(method.sites()));
    return List.copyOf(sites);
  }

  /** What was asked for, for messages: {@code lora on query,value}. */
  public String targets() {
    return methods.stream()
        .map(
            method ->
                method.targets().isEmpty()
                    ? method.name().text()
                    : method.name().text() + " on " + method.targets())
        .collect(Collectors.joining(", "));
  }
}
