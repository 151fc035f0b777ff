package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.graph.GraphFailure.NoSuchSite;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.adapter.BaseWeight.Part;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.site.ModulePath;
import dev.banyan.graph.site.Site;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Which weights of the base adapters hold themselves, beside what is added to its layers.
 *
 * @param bias which biases
 * @param modules names of modules that are held whole, as in PEFT's {@code modules_to_save}: the
 *     end of a module's path, or of one around it
 * @param methods methods that train weights of the base
 */
public record BaseWeightChoice(
    BiasTraining bias, List<String> modules, List<WeightMethod> methods) {
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
  public BaseWeightChoice with(List<WeightMethod> others) {
    return new BaseWeightChoice(bias, modules, others);
  }

  /** None: the base is frozen. */
  public static BaseWeightChoice none() {
    return new BaseWeightChoice(BiasTraining.NONE, List.of());
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
   * The chosen weights, in graph order.
   *
   * @param graph a base without adapters, whose values have types
   * @param sites the layers that will be adapted
   * @throws NoSuchSite if a name matches no module
   * @throws UnusableModel if there is no such bias, or one cannot be trained
   */
  public List<BaseWeight> in(Graph graph, List<Site> sites) {
    if (isNone()) {
      return List.of();
    }
    Set<String> adapted =
        sites.stream().map(site -> ModulePath.of(site.node())).collect(Collectors.toSet());
    FindBaseWeights.Found found = FindBaseWeights.in(graph, adapted);
    requireModules(found.weights());
    if (bias == BiasTraining.ALL && !found.unusable().isEmpty()) {
      throw new UnusableModel(
          "Biases of %s cannot be trained; use --bias lora_only or none"
              .formatted(String.join(", ", found.unusable())));
    }
    List<BaseWeight> chosen = found.weights().stream().filter(this::isChosen).toList();
    for (WeightMethod method : methods) {
      if (chosen.stream().noneMatch(method::trains)) {
        throw new UnusableModel(
            "The model has no weights that --method %s trains".formatted(method.name().text()));
      }
    }
    if (bias != BiasTraining.NONE
        && chosen.stream().noneMatch(weight -> weight.part() == Part.BIAS)) {
      throw new UnusableModel(
          bias == BiasTraining.ALL
              ? "The model has no biases, so --bias all trains nothing; use --bias none"
              : "The adapted layers have no biases, so --bias lora_only trains nothing; use --bias none");
    }
    return chosen;
  }

  private boolean isChosen(BaseWeight weight) {
    boolean isBias = weight.part() == Part.BIAS;
    return isChosen(weight.module())
        || methods.stream().anyMatch(method -> method.trains(weight))
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
