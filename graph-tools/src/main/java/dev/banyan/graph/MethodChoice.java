package dev.banyan.graph;

import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.adapter.AdapterMethod;
import dev.banyan.graph.adapter.AdapterMethods;
import dev.banyan.graph.adapter.LayerMethod;
import dev.banyan.graph.adapter.Lora;
import dev.banyan.graph.site.ModuleChoice;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * One of the methods that a bundle is made for.
 *
 * @param method how layers or weights are adapted
 * @param sites which layers; of no use to a method that does not adapt layers
 * @param settings the method's settings by the names of the command line
 * @param modules which modules, of a method that trains weights of the base
 */
public record MethodChoice(
    AdapterMethod method, SiteChoice sites, Map<String, String> settings, ModuleChoice modules) {
  /** Copies the map. */
  public MethodChoice {
    settings = Map.copyOf(settings);
  }

  /** LoRA at these sites. */
  public static MethodChoice lora(SiteChoice sites) {
    return new MethodChoice(new Lora(), sites, Map.of(), ModuleChoice.all());
  }

  /** A method as {@link #parse} reads it, with a value for what has none unless it is given. */
  public static String usual(MethodName name) {
    return name == MethodName.LAST_LAYERS ? name.text() + ":n=1" : name.text();
  }

  /**
   * The layers of a bundle, for other methods: those that its first method adapts which has to be
   * told its layers, or all linear ones if there is none.
   */
  public static SiteChoice layersOf(BundleManifest bundle) {
    return bundle.adapter().methods().stream()
        .filter(
            info ->
                AdapterMethods.of(info.name(), info.settings()) instanceof LayerMethod method
                    && method.usualTargets().isEmpty()
                    && !info.sites().isEmpty())
        .map(info -> SiteChoice.of(String.join(",", info.sites())))
        .findFirst()
        .orElseGet(() -> SiteChoice.of("all-linear"));
  }

  /**
   * Reads {@code NAME} or {@code NAME:KEY=VALUE;..}, where {@code targets}, {@code exclude} and
   * {@code layers} choose the layers and every other key is a setting of the method.
   *
   * @param others the choice of layers where the text has none; its targets may be empty. It is
   *     about layers that are adapted, and not about weights of the base
   * @throws IllegalArgumentException that begins with the option at fault, without its dashes
   */
  public static MethodChoice parse(String text, SiteChoice others) {
    int colon = text.indexOf(':');
    String name = colon < 0 ? text : text.substring(0, colon);
    MethodName method =
        MethodName.of(name)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "method is '%s'; known are %s".formatted(name, MethodName.names())));
    Map<String, String> settings = colon < 0 ? new LinkedHashMap<>() : settings(text, colon);
    Optional<String> own = take(settings, "targets");
    Optional<String> exclude = take(settings, "exclude");
    Optional<String> layers = take(settings, "layers");
    if (method.kind() == MethodName.Kind.WEIGHTS) {
      ModuleChoice modules = new ModuleChoice(own, exclude, layers);
      return new MethodChoice(AdapterMethods.of(method, settings), others, settings, modules);
    }
    AdapterMethod made = AdapterMethods.of(method, settings);
    String targets = own.or(() -> usualTargets(made)).orElse(others.targets());
    if (method.kind() == MethodName.Kind.LAYERS && targets.isEmpty()) {
      throw new IllegalArgumentException(
          "targets is missing, and the method %s adapts layers; for instance --targets query,value"
              .formatted(name));
    }
    SiteChoice sites =
        new SiteChoice(targets, exclude.or(others::exclude), layers.or(others::layers));
    Map<String, String> whole = AdapterMethods.whole(method, settings);
    return new MethodChoice(made, sites, whole, ModuleChoice.all());
  }

  private static Optional<String> usualTargets(AdapterMethod method) {
    return method instanceof LayerMethod adapting ? adapting.usualTargets() : Optional.empty();
  }

  private static Optional<String> take(Map<String, String> settings, String key) {
    return Optional.ofNullable(settings.remove(key));
  }

  private static Map<String, String> settings(String text, int colon) {
    Map<String, String> settings = new LinkedHashMap<>();
    for (String setting : text.substring(colon + 1).split(";", -1)) {
      int equals = setting.indexOf('=');
      if (equals < 1) {
        throw new IllegalArgumentException(
            "method is '%s', where '%s' is not key=value".formatted(text, setting));
      }
      settings.put(setting.substring(0, equals).strip(), setting.substring(equals + 1).strip());
    }
    return settings;
  }
}
