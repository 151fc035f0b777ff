package dev.banyan.artifacts.combine;

import dev.banyan.artifacts.integrity.UnusableArtifact;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Every layer that one of the adapters has.
 *
 * @param entries in the order of the adapters and of their files
 */
record LayerUnion(List<Entry> entries) {
  LayerUnion {
    entries = List.copyOf(entries);
  }

  /**
   * A layer.
   *
   * @param shape that of the first adapter that has it
   * @param terms what each adapter has of it
   */
  record Entry(LoraLayer shape, LayerTerms terms) {}

  /**
   * Finds the layers.
   *
   * @throws UnusableArtifact if there is none, or what should be the same layer is not
   */
  static LayerUnion of(List<WeightedAdapter> adapters, List<AdapterParts> parts) {
    Set<String> names = new LinkedHashSet<>();
    parts.forEach(each -> names.addAll(each.layers().keySet()));
    if (names.isEmpty()) {
      throw new UnusableArtifact(
          adapters.getFirst().name(), "has no layer of LoRA", "combine LoRA adapters only");
    }
    requireOneName(names);
    return new LayerUnion(names.stream().map(name -> entry(name, adapters, parts)).toList());
  }

  private static Entry entry(
      String name, List<WeightedAdapter> adapters, List<AdapterParts> parts) {
    Map<String, LoraLayer> found = new LinkedHashMap<>();
    List<LayerTerms.Term> terms = new ArrayList<>();
    for (int i = 0; i < adapters.size(); i++) {
      LoraLayer layer = parts.get(i).layers().get(name);
      if (layer != null) {
        found.put(adapters.get(i).name(), layer);
        double weight = adapters.get(i).weight();
        terms.add(new LayerTerms.Term(i, weight, layer.scaling(), layer.factors()));
      }
    }
    Map.Entry<String, LoraLayer> first = found.entrySet().iterator().next();
    found.forEach(
        (adapter, layer) -> {
          if (!layer.fits(first.getValue())) {
            throw new UnusableArtifact(
                adapter,
                "'%s' adapts a weight of %s, and in %s one of %s"
                    .formatted(
                        layer.keys().module(),
                        layer.weight(),
                        first.getKey(),
                        first.getValue().weight()),
                "combine adapters of one base");
          }
        });
    return new Entry(first.getValue(), new LayerTerms(first.getValue().keys(), terms));
  }

  /**
   * PEFT puts the name of the wrapped model before a module path or not, depending on the class it
   * was trained with: one layer under two names would count twice.
   */
  private static void requireOneName(Set<String> layers) {
    for (String layer : layers) {
      String module = module(layer);
      for (int dot = module.indexOf('.'); dot >= 0; dot = module.indexOf('.', dot + 1)) {
        String shorter = module.substring(dot + 1);
        if (layers.contains(FactorKeys.PREFIX + shorter)) {
          throw new UnusableArtifact(
              "adapters",
              "'%s' and '%s' seem to be one layer under two names".formatted(module, shorter),
              "combine adapters that were trained for tasks of one kind");
        }
      }
    }
  }

  private static String module(String layer) {
    return layer.substring(FactorKeys.PREFIX.length());
  }

  /** The module paths of all layers. */
  List<String> modules() {
    return entries.stream().map(entry -> entry.shape().keys().module()).toList();
  }
}
