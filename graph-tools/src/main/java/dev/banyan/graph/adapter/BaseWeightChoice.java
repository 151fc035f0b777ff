package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.graph.GraphFailure.NoSuchSite;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.adapter.BaseWeight.Part;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.site.ModulePath;
import dev.banyan.graph.site.Site;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which weights of the base adapters hold themselves, beside what is added to its layers.
 *
 * @param bias which biases
 * @param modules names of modules that are held whole, as in PEFT's {@code modules_to_save}: the
 *     end of a module's path, or of one around it
 * @param methods methods that train weights of the base
 */
public record BaseWeightChoice(
    BiasTraining bias, List<String> modules, List<MethodWeights> methods) {
  /** PEFT's lists name it, and an adapter always has it if the task needs one. */
  private static final String HEAD = "classifier";

  /** Copies the list, without the head, which is no part of the base. */
  public BaseWeightChoice {
    methods = List.copyOf(methods);
    modules = modules.stream().filter(name -> !name.equals(HEAD)).toList();
  }

  /** Biases and modules alone. */
  public BaseWeightChoice(BiasTraining bias, List<String> modules) {
    this(bias, modules, List.of());
  }

  /** The same with methods that train weights of the base. */
  public BaseWeightChoice with(List<MethodWeights> others) {
    return new BaseWeightChoice(bias, modules, others);
  }

  /** None: the base is frozen. */
  public static BaseWeightChoice none() {
    return new BaseWeightChoice(BiasTraining.NONE, List.of());
  }

  /**
   * All weights of the base that can be held, in graph order.
   *
   * @param graph a base without adapters, whose values have types
   */
  public static List<BaseWeight> every(Graph graph) {
    return FindBaseWeights.in(graph, Set.of()).weights();
  }

  /** True if the base is frozen. */
  public boolean isNone() {
    return bias == BiasTraining.NONE && modules.isEmpty() && methods.isEmpty();
  }

  /** True if the node belongs to a module that is held whole, which is then not adapted. */
  public boolean hasModuleOf(Node node) {
    return !modules.isEmpty() && isChosen(ModulePath.of(node));
  }

  private boolean isChosen(String path) {
    return modules.stream().anyMatch(name -> isNamed(path, name));
  }

  /** {@code pooler.dense} is named by {@code pooler.dense}, {@code dense} and {@code pooler}. */
  private static boolean isNamed(String path, String name) {
    return ("." + path + ".").contains("." + name + ".");
  }

  /**
   * What was chosen.
   *
   * @param weights in graph order
   * @param byMethod names of the weights that each method trains
   */
  public record Chosen(List<BaseWeight> weights, Map<MethodName, List<String>> byMethod) {
    /** Copies the collections. */
    public Chosen {
      weights = List.copyOf(weights);
      byMethod = Map.copyOf(byMethod);
    }

    /** Names of what a method trains; none if it trains no weights of the base. */
    public List<String> of(MethodName method) {
      return byMethod.getOrDefault(method, List.of());
    }
  }

  /**
   * The chosen weights.
   *
   * @param graph a base without adapters, whose values have types
   * @param sites the layers that will be adapted
   * @throws NoSuchSite if a name matches no module
   * @throws UnusableModel if there is no such bias, or one cannot be trained
   */
  public Chosen in(Graph graph, List<Site> sites) {
    if (isNone()) {
      return new Chosen(List.of(), Map.of());
    }
    Set<String> adapted =
        sites.stream().map(site -> ModulePath.of(site.node())).collect(Collectors.toSet());
    FindBaseWeights.Found found = FindBaseWeights.in(graph, adapted);
    requireModules(found.weights());
    requireUsable(found);
    Map<MethodName, List<String>> byMethod = new EnumMap<>(MethodName.class);
    Map<String, BaseWeight> chosen = new HashMap<>();
    found.weights().stream()
        .filter(this::isChosen)
        .forEach(weight -> chosen.put(weight.name(), weight));
    for (MethodWeights method : methods) {
      if (method.method() instanceof Full) {
        Full.requireMost(graph, found.weights());
      }
      List<BaseWeight> own = method.of(found.weights());
      byMethod.put(method.name(), own.stream().map(BaseWeight::name).toList());
      // Whose method has a name of its own for it in files, gives it that name.
      own.forEach(weight -> chosen.merge(weight.name(), weight, BaseWeightChoice::named));
    }
    requireBiases(chosen.values());
    return new Chosen(
        found.weights().stream()
            .flatMap(weight -> Stream.ofNullable(chosen.get(weight.name())))
            .toList(),
        byMethod);
  }

  private static BaseWeight named(BaseWeight one, BaseWeight other) {
    return one.key() == BaseWeight.FileKey.NORMALIZATION ? one : other;
  }

  private void requireUsable(FindBaseWeights.Found found) {
    boolean every =
        bias == BiasTraining.ALL
            || methods.stream().anyMatch(method -> method.name() == MethodName.BITFIT);
    if (every && !found.unusable().isEmpty()) {
      throw new UnusableModel(
          "Biases of %s cannot be trained; use --bias lora_only or none, and not --method bitfit"
              .formatted(String.join(", ", found.unusable())));
    }
  }

  private void requireBiases(Collection<BaseWeight> chosen) {
    if (bias != BiasTraining.NONE
        && chosen.stream().noneMatch(weight -> weight.part() == Part.BIAS)) {
      throw new UnusableModel(
          bias == BiasTraining.ALL
              ? "The model has no biases, so --bias all trains nothing; use --bias none"
              : "The adapted layers have no biases, so --bias lora_only trains nothing; use --bias none");
    }
  }

  private boolean isChosen(BaseWeight weight) {
    boolean isBias = weight.part() == Part.BIAS;
    return isChosen(weight.module())
        || (isBias && bias == BiasTraining.ALL)
        || (isBias && bias == BiasTraining.LORA_ONLY && weight.adapted());
  }

  private void requireModules(List<BaseWeight> all) {
    for (String name : modules) {
      if (all.stream().noneMatch(weight -> isNamed(weight.module(), name))) {
        Set<String> ends = new TreeSet<>();
        all.forEach(weight -> ends.add(lastTwo(weight.module())));
        throw new NoSuchSite(
            "No module of the model is named '%s', or it has no weights that can be trained; modules end in: %s"
                .formatted(name, String.join(", ", ends)));
      }
    }
  }

  private static String lastTwo(String path) {
    return path.replaceFirst("^.*[.](?=[^.]+[.][^.]+$)", "");
  }
}
