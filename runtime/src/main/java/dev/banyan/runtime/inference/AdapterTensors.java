package dev.banyan.runtime.inference;

import dev.banyan.artifacts.adapter.AdapterConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.adapter.SparseTensor;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The tensors of an adapter's file by the parameters of a bundle. */
final class AdapterTensors {
  static final String PREFIX = "base_model.model.";

  /** What PEFT puts between a module and the weight that an adapter holds of it. */
  private static final List<String> WRAPPERS = List.of(".base_layer.", ".ln_tuning_layers.");

  /** What no parameter has taken yet. */
  private final Map<String, Tensor> left = new LinkedHashMap<>();

  private final Map<ParameterSpec, Tensor> found = new LinkedHashMap<>();
  private final AdapterConfig config;

  /** What is most often before a module path. */
  private final String usual;

  /**
   * Looks for each parameter that the adapter can have.
   *
   * @param adapter with float tensors
   * @throws UnusableArtifact if two tensors are for one parameter, or a layer has only a part
   */
  AdapterTensors(PeftAdapter adapter, BundleManifest bundle) {
    config = adapter.config();
    String prefix = bundle.adapter().peftPrefix();
    usual = prefix.isEmpty() ? "" : prefix + ".";
    left.putAll(adapter.config().whole(adapter.weights().tensors()));
    left.keySet().removeIf(PeftAdapter::isCopy);
    Set<MethodName> methods = Set.copyOf(adapter.config().methods());
    for (ParameterSpec spec : bundle.parameters()) {
      if (spec.isBanked()
          && spec.method().map(own -> methods.contains(own.storedAs())).orElse(true)) {
        find(spec).ifPresent(tensor -> take(spec, tensor));
      }
    }
    found.putAll(new SharedTensors(bundle, config, found).fitted());
    requireWhole(bundle);
  }

  private void take(ParameterSpec spec, Tensor tensor) {
    left.remove(tensor.name());
    found.put(spec, SparseTensor.isDeltas(spec.peftKey()) ? whole(spec, tensor) : tensor);
  }

  private Tensor whole(ParameterSpec spec, Tensor deltas) {
    String places = SparseTensor.indicesOf(deltas.name());
    Tensor indices = left.remove(places);
    if (indices == null) {
      throw AdapterFitting.unusable(
          "it has '%s' without '%s'".formatted(deltas.name(), places),
          "get the adapter again from where it was made");
    }
    return new SparseTensor(indices, deltas).whole(spec.layout().inFile(spec.shape(1, 1)));
  }

  /** The tensors that were found, in the bundle's order. */
  Map<ParameterSpec, Tensor> found() {
    return found;
  }

  /** A tensor that is for no parameter, if there is one. */
  Optional<String> unknown() {
    return left.keySet().stream().findFirst();
  }

  /**
   * The layer that a tensor belongs to, in the file's words, which is what PEFT's patterns are
   * about.
   */
  static String module(ParameterSpec spec, Tensor tensor) {
    String key = spec.peftKey();
    int end =
        tensor.name().length() - (key.length() - Math.min(key.length(), spec.site().length()));
    int start = tensor.name().startsWith(PREFIX) ? PREFIX.length() : 0;
    return end <= start ? "" : tensor.name().substring(start, end);
  }

  /**
   * The tensor of a parameter. PEFT puts the name of the wrapped model before a module path or not,
   * depending on the class it was trained with; so any one prefix is accepted.
   */
  private Optional<Tensor> find(ParameterSpec spec) {
    Optional<Tensor> own = find(spec, spec.isOfModel() ? config.key(spec) : spec.peftKey());
    if (own.isPresent() || !spec.isOfBase()) {
      return own;
    }
    // One weight has many names: its own, and those of the wrappers that methods put around it.
    String bare = WRAPPERS.stream().reduce(spec.peftKey(), (key, one) -> key.replace(one, "."));
    int end = bare.lastIndexOf('.');
    return Stream.concat(Stream.of("."), WRAPPERS.stream())
        .map(wrapper -> bare.substring(0, end) + wrapper + bare.substring(end + 1))
        .flatMap(key -> find(spec, key).stream())
        .findFirst();
  }

  private Optional<Tensor> find(ParameterSpec spec, String key) {
    Tensor exact =
        Stream.of(PREFIX + usual + key, PREFIX + key, config.wrapper() + key, key)
            .map(left::get)
            .filter(Objects::nonNull)
            .findFirst()
            .orElse(null);
    if (exact != null) {
      return Optional.of(exact);
    }
    List<Tensor> ending =
        left.values().stream()
            .filter(tensor -> tensor.name().startsWith(PREFIX))
            .filter(tensor -> tensor.name().endsWith("." + key))
            .toList();
    if (ending.size() > 1) {
      throw AdapterFitting.unusable(
          "'%s' and '%s' are both for '%s'"
              .formatted(ending.get(0).name(), ending.get(1).name(), spec.name()),
          "keep one of them");
    }
    return ending.stream().findFirst();
  }

  /** A layer's parameters of one method. */
  private record Layer(String site, Optional<MethodName> method) {
    static Layer of(ParameterSpec spec) {
      return new Layer(spec.site(), spec.method());
    }
  }

  /** A lone half of a pair would silently act as none. */
  private void requireWhole(BundleManifest bundle) {
    Map<Layer, String> begun = new HashMap<>();
    for (ParameterSpec spec : found.keySet()) {
      if (!spec.isOfBase()) {
        begun.putIfAbsent(Layer.of(spec), spec.name());
      }
    }
    for (ParameterSpec spec : bundle.parameters()) {
      String other = begun.get(Layer.of(spec));
      if (other != null && spec.isBanked() && !spec.isOfBase() && !found.containsKey(spec)) {
        throw AdapterFitting.unusable(
            "it has '%s' without '%s'".formatted(other, spec.name()),
            "get the adapter again from where it was made");
      }
    }
  }
}
