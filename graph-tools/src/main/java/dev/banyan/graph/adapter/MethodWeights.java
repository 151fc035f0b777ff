package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.site.ModuleChoice;
import java.util.List;
import java.util.function.Predicate;

/**
 * A method that trains weights of the base, and where.
 *
 * @param method which weights
 * @param modules of which modules
 */
public record MethodWeights(WeightMethod method, ModuleChoice modules) {
  /** The method's name. */
  MethodName name() {
    return method.name();
  }

  /**
   * The weights that adapters hold.
   *
   * @param all those of the base, in graph order
   * @throws dev.banyan.graph.GraphFailure.NoSuchSite if a name is that of no module
   * @throws UnusableModel if there are none
   */
  List<BaseWeight> of(List<BaseWeight> all) {
    List<BaseWeight> own = method.of(all);
    List<String> paths = own.stream().map(BaseWeight::module).distinct().toList();
    Predicate<String> chosen = modules.among(paths);
    List<BaseWeight> left = own.stream().filter(weight -> chosen.test(weight.module())).toList();
    if (left.isEmpty() && name() != MethodName.HEAD) {
      throw new UnusableModel(
          "The model has no weights that --method %s trains%s"
              .formatted(
                  name().text(), own.isEmpty() ? "" : " in the modules and layers that it names"));
    }
    return left;
  }
}
