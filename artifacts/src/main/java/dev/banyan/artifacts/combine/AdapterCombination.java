package dev.banyan.artifacts.combine;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Several LoRA adapters of one base that are to become one.
 *
 * @param adapters at least one
 * @param recipe how their layers are combined
 * @param head where the head is from
 */
public record AdapterCombination(
    List<WeightedAdapter> adapters, CombinationRecipe recipe, HeadChoice head) {
  /**
   * Copies the list.
   *
   * @throws IllegalArgumentException if there is no adapter
   */
  public AdapterCombination {
    adapters = List.copyOf(adapters);
    if (adapters.isEmpty()) {
      throw new IllegalArgumentException("No adapter to combine");
    }
  }

  /**
   * Combines them.
   *
   * @throws UnusableArtifact if they are of different bases, do not combine in this way, or would
   *     become an adapter that changes nothing
   */
  public CombinedAdapter combine() {
    return combine(new SeededMasks(recipe.seed()));
  }

  CombinedAdapter combine(RandomMasks masks) {
    if (adapters.size() == 1 && recipe.type().leavesOut()) {
      throw new UnusableArtifact(
          adapters.getFirst().name(),
          "is the only adapter, of which %s makes no other".formatted(recipe.type().text()),
          "name several adapters, or take linear, cat or svd");
    }
    Optional<Digest> base = base();
    List<AdapterParts> parts = adapters.stream().map(AdapterParts::of).toList();
    LayerUnion layers = LayerUnion.of(adapters, parts);
    Combination combination = recipe.combination();
    int rank = combination.rank(parts.stream().map(AdapterParts::largestRank).toList());
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Distance distance = new Distance();
    for (LayerUnion.Entry layer : layers.entries()) {
      Factors factors = combination.combine(layer.terms(), rank, masks);
      distance.add(layer.terms(), factors);
      layer.shape().tensors(factors).forEach(tensor -> tensors.put(tensor.name(), tensor));
    }
    distance.requireEffect();
    HeadMix.Taken taken = new HeadMix(adapters, parts).take(head);
    tensors.putAll(taken.whole());
    PeftAdapter source = adapters.get(taken.adapter()).adapter();
    Map<String, String> metadata = source.metadata().combined(base, maxLength(), recipeJson());
    return new CombinedAdapter(
        new PeftAdapter(
            new CombinedConfig(adapters, source.lora()).of(rank, layers.modules()),
            new SafetensorsFile(metadata, tensors)),
        layers.entries().size(),
        distance.relative());
  }

  /** The base of those that say it. */
  private Optional<Digest> base() {
    Optional<Digest> base = Optional.empty();
    String said = "";
    for (WeightedAdapter each : adapters) {
      Optional<Digest> own = each.adapter().metadata().base();
      if (own.isPresent() && base.isPresent() && !own.equals(base)) {
        throw new UnusableArtifact(
            each.name(),
            "made for the base model %s, and %s for %s".formatted(own.get(), said, base.get()),
            "combine adapters of one base");
      }
      if (base.isEmpty() && own.isPresent()) {
        base = own;
        said = each.name();
      }
    }
    return base;
  }

  /** So that no adapter sees less of a text than it was trained on. */
  private OptionalInt maxLength() {
    return adapters.stream()
        .map(each -> each.adapter().metadata().maxLength())
        .flatMapToInt(OptionalInt::stream)
        .max();
  }

  private ObjectNode recipeJson() {
    ObjectNode json = recipe.toJson();
    ArrayNode list = json.putArray("adapters");
    for (WeightedAdapter each : adapters) {
      list.addObject()
          .put("digest", each.adapter().digest().toString())
          .put("weight", each.weight());
    }
    return json;
  }
}
