package dev.banyan.runtime.training;

import dev.banyan.artifacts.adapter.AdapterConfig;
import dev.banyan.artifacts.adapter.CommonConfig;
import dev.banyan.artifacts.adapter.Ia3Config;
import dev.banyan.artifacts.adapter.LnTuningConfig;
import dev.banyan.artifacts.adapter.LohaConfig;
import dev.banyan.artifacts.adapter.LokrConfig;
import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.MissConfig;
import dev.banyan.artifacts.adapter.OwnConfig;
import dev.banyan.artifacts.adapter.PrefixConfig;
import dev.banyan.artifacts.adapter.PromptConfig;
import dev.banyan.artifacts.adapter.VeraConfig;
import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Projection;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Describes a trained adapter: as PEFT does where it has the method, else in Banyan's own words.
 *
 * @param manifest the bundle that was trained
 * @param plan what the run chose
 * @param ranks rank and alpha of each layer
 * @param modulesToSave names of the modules that the adapter holds whole
 */
record AdapterDescription(
    BundleManifest manifest, AdapterPlan plan, LayerRanks ranks, List<String> modulesToSave) {
  /** The configuration for the adapter's file. */
  AdapterConfig config() {
    List<AdapterConfig> parts = new ArrayList<>();
    List<OwnConfig.Own> own = new ArrayList<>();
    for (MethodInfo method : manifest.adapter().methods()) {
      switch (method.name()) {
        case LORA, LORA_FA -> parts.add(lora(method));
        case PISSA, OLORA -> parts.add(lora(method).withTwiceTheRank());
        case LOHA -> parts.add(loha(method));
        case DORA -> parts.add(lora(method).withDora());
        case LOKR -> parts.add(lokr(method));
        case MISS -> parts.add(miss(method));
        case VERA -> parts.add(vera(method));
        case IA3 -> parts.add(ia3(method));
        case PROMPT -> parts.add(prompt());
        case PREFIX -> parts.add(prefix());
        case NORMS -> parts.add(new LnTuningConfig(common(modules(method))));
        case BITFIT -> {
          if (!isOfLora(method)) {
            own.add(own(method));
          }
        }
        case SPARSE -> own.add(sparse(method));
        case BOTTLENECK, LAST_LAYERS, HEAD, FULL -> own.add(own(method));
      }
    }
    return own.isEmpty() && parts.size() == 1
        ? parts.getFirst()
        : new OwnConfig(common(manifest.adapter().sites()), parts, own);
  }

  /** LoRA with every bias is one method in PEFT. */
  private boolean isOfLora(MethodInfo bitFit) {
    List<MethodName> all = manifest.adapter().methods().stream().map(MethodInfo::name).toList();
    return bitFit.targets().isEmpty() && all.equals(List.of(MethodName.LORA, MethodName.BITFIT));
  }

  private String bias() {
    boolean all = manifest.adapter().method(MethodName.BITFIT).filter(this::isOfLora).isPresent();
    return (all ? BiasTraining.ALL : manifest.adapter().bias()).text();
  }

  private CommonConfig common(List<String> targets) {
    return new CommonConfig(
        targets,
        modulesToSave,
        manifest.task().peftType(),
        manifest.base().name(),
        JsonText.object());
  }

  private LoraConfig lora(MethodInfo method) {
    return ranks.describe(
        new LoraConfig(
            plan.rank(),
            plan.alpha(),
            plan.dropout(),
            // Whole module paths: a last name alone could also match layers that were left out.
            method.sites(),
            modulesToSave,
            plan.rankStabilized(),
            bias(),
            manifest.task().peftType(),
            manifest.base().name()));
  }

  private LohaConfig loha(MethodInfo method) {
    return new LohaConfig(common(method.sites()), ranks.describe(method.sites()));
  }

  private LokrConfig lokr(MethodInfo method) {
    Map<String, String> settings = method.settings();
    return new LokrConfig(
        common(method.sites()),
        ranks.describe(method.sites()),
        Boolean.parseBoolean(settings.getOrDefault("decompose_both", "false")),
        Integer.parseInt(settings.getOrDefault("decompose_factor", "-1")));
  }

  private MissConfig miss(MethodInfo method) {
    return new MissConfig(
        common(method.sites()), plan.rank(), manifest.adapter().bias().text(), false);
  }

  private VeraConfig vera(MethodInfo method) {
    Map<String, String> settings = method.settings();
    return new VeraConfig(
        common(method.sites()),
        plan.sizes().of(Size.PROJECTION),
        Long.parseLong(settings.getOrDefault(Projection.KEY, "0")),
        Boolean.parseBoolean(settings.getOrDefault("save_projection", "true")),
        Double.parseDouble(settings.getOrDefault(Projection.INITIAL, "0.1")),
        manifest.adapter().bias().text());
  }

  private Ia3Config ia3(MethodInfo method) {
    // PEFT wants each of them among its targets, and those are whole module paths.
    List<String> feedforward =
        manifest.parameters().stream()
            .filter(spec -> spec.method().equals(Optional.of(MethodName.IA3)))
            .filter(spec -> spec.layout() == Layout.ROW)
            .map(ParameterSpec::site)
            .toList();
    return new Ia3Config(common(method.sites()), feedforward);
  }

  private PromptConfig prompt() {
    int width = Math.toIntExact(ofOneToken(MethodName.PROMPT).dim(1));
    return new PromptConfig(common(List.of()), plan.sizes().of(Size.TOKENS), width);
  }

  private PrefixConfig prefix() {
    // [1, 2 layers, heads, head size]
    Shape token = ofOneToken(MethodName.PREFIX);
    int layers = Math.toIntExact(token.dim(1) / 2);
    int heads = Math.toIntExact(token.dim(2));
    int width = Math.toIntExact(token.dim(2) * token.dim(3));
    return new PrefixConfig(common(List.of()), plan.sizes().of(Size.TOKENS), layers, heads, width);
  }

  /** The shape that what a method trains has for one token. */
  private Shape ofOneToken(MethodName method) {
    return manifest.parameters().stream()
        .filter(spec -> spec.method().equals(Optional.of(method)))
        .map(spec -> spec.shape(plan.sizes().with(Size.TOKENS, 1)))
        .findFirst()
        .orElseThrow();
  }

  /** Modules of the weights that a method trains. */
  private static List<String> modules(MethodInfo method) {
    return method.weights().stream()
        .map(name -> name.substring(0, name.lastIndexOf('.')))
        .distinct()
        .toList();
  }

  /** With how its weights were chosen, which is told and changes no answer. */
  private OwnConfig.Own sparse(MethodInfo method) {
    TreeMap<String, String> settings = own(method).settings();
    settings.put("keep", Double.toString(plan.kept().share()));
    settings.put("keep_by", plan.kept().by().text());
    return new OwnConfig.Own(method.name(), settings);
  }

  /** A method that PEFT does not have, with the sizes that its adapters choose. */
  private OwnConfig.Own own(MethodInfo method) {
    TreeMap<String, String> settings = new TreeMap<>(method.settings());
    for (Size size : method.name().sizes()) {
      int value = size == Size.RANK ? plan.rank() : plan.sizes().of(size);
      settings.put(size.text(), Integer.toString(value));
    }
    return new OwnConfig.Own(method.name(), settings);
  }
}
