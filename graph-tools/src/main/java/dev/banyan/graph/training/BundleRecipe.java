package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.EmbeddingInfo;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.GraphFailure.NoSuchSite;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.adapter.BaseWeightChoice;
import dev.banyan.graph.adapter.LayerMethod;
import dev.banyan.graph.adapter.MethodWeights;
import dev.banyan.graph.adapter.ModelMethod;
import dev.banyan.graph.adapter.SplitBias;
import dev.banyan.graph.adapter.WeightMethod;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteDiscovery;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What a bundle is for; each of its graphs is made from a base model of its own by this.
 *
 * @param task what adapters learn
 * @param pooling how token vectors become one
 * @param methods how the base is adapted, in the order in which methods are inserted
 * @param weights which weights of the base adapters hold themselves
 * @param embedding what the embedding task learns from; of no use to other tasks
 * @param dropout whether what adapters read can be dropped
 */
public record BundleRecipe(
    Task task,
    Pooling pooling,
    List<MethodChoice> methods,
    BaseWeightChoice weights,
    EmbeddingInfo embedding,
    boolean dropout) {
  /**
   * Puts the methods in one order, whatever order they were asked for in. Those that decide where
   * texts stand come first.
   */
  public BundleRecipe {
    methods =
        methods.stream()
            .sorted(
                Comparator.comparing((MethodChoice choice) -> !isOfModel(choice))
                    .thenComparing(choice -> choice.method().name()))
            .toList();
  }

  private static boolean isOfModel(MethodChoice choice) {
    return choice.method() instanceof ModelMethod;
  }

  /** What a request asks for. */
  static BundleRecipe of(PrepareRequest request) {
    List<MethodWeights> weights = new ArrayList<>();
    for (MethodChoice choice : request.methods()) {
      if (choice.method() instanceof WeightMethod method) {
        weights.add(new MethodWeights(method, choice.modules()));
      }
    }
    return new BundleRecipe(
        request.task(),
        request.pooling(),
        request.methods(),
        request.held().with(weights),
        request.embedding(),
        request.training().dropout());
  }

  /** The same where adapters read everything, as they do when they are judged. */
  BundleRecipe withoutDropout() {
    return new BundleRecipe(task, pooling, methods, weights, embedding, false);
  }

  /**
   * Finds the places in a base.
   *
   * @param base without adapters, with types
   * @throws NoSuchSite if what is named cannot be adapted
   * @throws dev.banyan.graph.GraphFailure if there are no such weights
   */
  Placement place(Model base) {
    splitBiases(base);
    SiteDiscovery.Found found = SiteDiscovery.inspect(base);
    List<Placement.Placed> placed = new ArrayList<>();
    List<Site> adapted = new ArrayList<>();
    for (MethodChoice choice : methods) {
      List<Site> sites =
          choice.method() instanceof LayerMethod method ? sites(method, choice, found) : List.of();
      Optional<ModelMethod.Place> place =
          choice.method() instanceof ModelMethod method
              ? Optional.of(method.in(base.graph()))
              : Optional.empty();
      placed.add(new Placement.Placed(choice, sites, place));
      adapted.addAll(sites);
    }
    return new Placement(placed, weights.in(base.graph(), adapted));
  }

  private void splitBiases(Model base) {
    SiteDiscovery.Found found = SiteDiscovery.inspect(base);
    for (MethodChoice choice : methods) {
      if (choice.method() instanceof LayerMethod method && method.needsBareProduct()) {
        sites(method, choice, found).forEach(site -> SplitBias.of(base.graph(), site));
      }
    }
  }

  private static void requireAdaptable(LayerMethod method, List<Site> sites) {
    sites.stream()
        .filter(site -> !method.adapts(site.kind()))
        .findFirst()
        .ifPresent(
            site -> {
              throw new NoSuchSite(
                  "The method %s cannot adapt '%s', which is not a linear layer (%s); leave it out of --targets, or name it in --exclude"
                      .formatted(method.name().text(), site.path(), site.kind().text()));
            });
  }

  private List<Site> sites(LayerMethod method, MethodChoice choice, SiteDiscovery.Found found) {
    List<Site> chosen = choice.sites().selector().select(found);
    requireAdaptable(method, chosen);
    // As in PEFT, a module that is held whole is not adapted too.
    List<Site> left = chosen.stream().filter(site -> !weights.hasModuleOf(site.node())).toList();
    if (left.isEmpty() && !chosen.isEmpty()) {
      throw new NoSuchSite("--modules-to-save holds every layer whole that --targets adapts");
    }
    return left;
  }
}
