package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.graph.site.PathMatch;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Makes methods of their names and settings, as the command line and bundles have them. */
public final class AdapterMethods {
  private AdapterMethods() {}

  /**
   * A method.
   *
   * @param settings by name
   * @throws IllegalArgumentException if the method has no such setting, or a value is none of its
   *     kind; the message says which it has
   */
  public static AdapterMethod of(MethodName name, Map<String, String> settings) {
    return switch (name) {
      case LORA -> {
        known(name, settings, List.of());
        yield new Lora();
      }
      case DORA -> {
        known(name, settings, List.of());
        yield new Dora();
      }
      case PISSA, OLORA -> {
        known(name, settings, List.of());
        yield new LoraFromBase(name);
      }
      case LORA_FA -> {
        known(name, settings, List.of());
        yield new LoraFa();
      }
      case LOHA -> {
        known(name, settings, List.of());
        yield new Loha();
      }
      case LOKR -> {
        known(name, settings, List.of("decompose_both", "decompose_factor"));
        yield new Lokr(flag("decompose_both", settings), divisor("decompose_factor", settings));
      }
      case MISS -> {
        known(name, settings, List.of());
        yield new Miss();
      }
      case VERA -> {
        known(name, settings, Vera.settings());
        yield Vera.of(settings);
      }
      case SPARSE -> {
        known(name, settings, List.of());
        yield new Sparse();
      }
      case IA3 -> {
        known(name, settings, List.of("feedforward"));
        yield new Ia3(Optional.ofNullable(settings.get("feedforward")).map(PathMatch::parse));
      }
      case BOTTLENECK -> {
        known(name, settings, Bottleneck.settings());
        yield Bottleneck.of(settings);
      }
      case PROMPT -> {
        known(name, settings, Prompt.settings());
        yield Prompt.of(settings);
      }
      case PREFIX -> {
        known(name, settings, Prefix.settings());
        yield Prefix.of(settings);
      }
      case BITFIT -> {
        known(name, settings, List.of());
        yield new BitFit();
      }
      case NORMS -> {
        known(name, settings, List.of());
        yield new Norms();
      }
      case LAST_LAYERS -> {
        known(name, settings, List.of("n"));
        yield new LastLayers(count(name, settings, "n"));
      }
      case HEAD -> {
        known(name, settings, List.of());
        yield new HeadOnly();
      }
      case FULL -> {
        known(name, settings, List.of());
        yield new Full();
      }
    };
  }

  /** All settings of a method, where some were given: what adapters have to be told of. */
  public static Map<String, String> whole(MethodName name, Map<String, String> given) {
    return switch (name) {
      case BOTTLENECK -> Bottleneck.whole(given);
      case VERA -> Vera.whole(given);
      case LORA, DORA, PISSA, OLORA, LORA_FA, LOHA, LOKR, MISS, SPARSE, IA3 -> given;
      case PROMPT, PREFIX, BITFIT, NORMS, LAST_LAYERS, HEAD, FULL -> given;
    };
  }

  private static int count(MethodName name, Map<String, String> settings, String setting) {
    String text = settings.getOrDefault(setting, "");
    if (!text.matches("[1-9][0-9]{0,5}")) {
      throw new IllegalArgumentException(
          "method %s has %s='%s'; expected a whole number from 1, such as %s:%s=2"
              .formatted(name.text(), setting, text, name.text(), setting));
    }
    return Integer.parseInt(text);
  }

  private static boolean flag(String name, Map<String, String> settings) {
    String value = settings.getOrDefault(name, "false");
    if (!value.equals("true") && !value.equals("false")) {
      throw new IllegalArgumentException(
          "method lokr has %s='%s'; expected true or false".formatted(name, value));
    }
    return value.equals("true");
  }

  private static int divisor(String name, Map<String, String> settings) {
    String value = settings.getOrDefault(name, "-1");
    if (!value.matches("-1|[1-9][0-9]{0,6}")) {
      throw new IllegalArgumentException(
          "method lokr has %s='%s'; expected -1 or a positive whole number".formatted(name, value));
    }
    return Integer.parseInt(value);
  }

  private static void known(MethodName name, Map<String, String> settings, List<String> known) {
    for (String setting : settings.keySet()) {
      if (!known.contains(setting)) {
        throw new IllegalArgumentException(
            "method %s has no setting '%s'; it has %s"
                .formatted(
                    name.text(),
                    setting,
                    known.isEmpty()
                        ? "none but targets, exclude and layers"
                        : "targets, exclude, layers, " + String.join(", ", known)));
      }
    }
  }
}
