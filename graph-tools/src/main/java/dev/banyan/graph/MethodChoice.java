package dev.banyan.graph;

import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.adapter.AdapterMethod;
import dev.banyan.graph.adapter.Lora;
import java.util.Map;

/**
 * One of the methods that a bundle is made for.
 *
 * @param method how layers or weights are adapted
 * @param sites which layers; of no use to a method that does not adapt layers
 * @param settings the method's settings by the names of the command line, as they were given
 */
public record MethodChoice(AdapterMethod method, SiteChoice sites, Map<String, String> settings) {
  /** Copies the map. */
  public MethodChoice {
    settings = Map.copyOf(settings);
  }

  /** LoRA at these sites. */
  public static MethodChoice lora(SiteChoice sites) {
    return new MethodChoice(new Lora(), sites, Map.of());
  }
}
