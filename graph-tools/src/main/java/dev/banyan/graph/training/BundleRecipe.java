package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.EmbeddingInfo;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.GraphFailure.NoSuchSite;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.adapter.AdapterMethod;
import dev.banyan.graph.adapter.BaseWeight;
import dev.banyan.graph.adapter.BaseWeightChoice;
import dev.banyan.graph.adapter.Lora;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteDiscovery;
import dev.banyan.graph.site.TargetSelector;
import java.util.List;

/**
 * What a bundle is for; each of its graphs is made from a base model of its own by this.
 *
 * @param task what adapters learn
 * @param pooling how token vectors become one
 * @param method how sites are adapted
 * @param targets which sites are adapted
 * @param weights which weights of the base adapters hold themselves
 * @param embedding what the embedding task learns from; of no use to other tasks
 * @param dropout whether what adapters read can be dropped
 */
public record BundleRecipe(
    Task task,
    Pooling pooling,
    AdapterMethod method,
    TargetSelector targets,
    BaseWeightChoice weights,
    EmbeddingInfo embedding,
    boolean dropout) {
  /** What a request asks for, with LoRA as the adapter method. */
  static BundleRecipe of(PrepareRequest request) {
    return new BundleRecipe(
        request.task(),
        request.pooling(),
        new Lora(),
        request.sites().selector(),
        request.held(),
        request.embedding(),
        request.training().dropout());
  }

  /** The same where adapters read everything, as they do when they are judged. */
  BundleRecipe withoutDropout() {
    return new BundleRecipe(task, pooling, method, targets, weights, embedding, false);
  }

  /**
   * The chosen sites of a model, in graph order.
   *
   * @throws dev.banyan.graph.GraphFailure.NoSuchSite if what is named cannot be adapted
   */
  List<Site> sites(Model base) {
    List<Site> chosen = targets.select(SiteDiscovery.inspect(base));
    // As in PEFT, a module that is held whole is not adapted too.
    List<Site> left = chosen.stream().filter(site -> !weights.hasModuleOf(site.node())).toList();
    if (left.isEmpty() && !chosen.isEmpty()) {
      throw new NoSuchSite("--modules-to-save holds every layer whole that --targets adapts");
    }
    return left;
  }

  /**
   * The weights of a model that adapters hold themselves, in graph order.
   *
   * @param base without adapters, with types
   * @param sites its chosen sites
   * @throws dev.banyan.graph.GraphFailure if there are none such
   */
  List<BaseWeight> weights(Model base, List<Site> sites) {
    return weights.in(base.graph(), sites);
  }
}
