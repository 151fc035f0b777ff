package dev.banyan.runtime.inference;

import dev.banyan.artifacts.adapter.AdapterConfig;
import dev.banyan.artifacts.adapter.VeraConfig;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Projection;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The projections that all layers of a VeRA adapter share, as large as a bundle has them. PEFT's
 * are as large as the largest layer of the adapter, and are drawn so; a bundle may have larger
 * layers that the adapter leaves alone.
 *
 * @param bundle what it is to fit
 * @param config the adapter's
 * @param found its tensors, as its file has them
 */
record SharedTensors(
    BundleManifest bundle, AdapterConfig config, Map<ParameterSpec, Tensor> found) {
  /** The projections in the file's layout; none for an adapter that needs none. */
  Map<ParameterSpec, Tensor> fitted() {
    Set<String> layers =
        found.keySet().stream()
            .filter(spec -> spec.method().equals(Optional.of(MethodName.VERA)))
            .filter(spec -> !spec.isShared())
            .map(ParameterSpec::site)
            .collect(Collectors.toSet());
    Map<ParameterSpec, Tensor> fitted = new LinkedHashMap<>();
    VeraConfig vera = config.vera().orElse(null);
    if (vera == null || layers.isEmpty()) {
      return fitted;
    }
    long in = in(layers);
    long out = out(layers);
    for (ParameterSpec spec : bundle.parameters()) {
      if (spec.isShared()) {
        boolean first = spec.init() == Initializer.PROJECTION_A;
        Tensor own = found.containsKey(spec) ? found.get(spec) : drawn(vera, first, in, out);
        if (own != null) {
          fitted.put(spec, widened(own, spec, first ? in : out).named(spec.peftKey()));
        }
      }
    }
    return fitted;
  }

  private static Tensor drawn(VeraConfig vera, boolean first, long in, long out) {
    if (vera.savesProjection()) {
      throw AdapterFitting.unusable(
          "its configuration says that its file has the projections, and it has not",
          "get the adapter again from where it was made, or write save_projection false into its configuration if it was trained so");
    }
    Projection projection = new Projection(vera.key(), in, (float) vera.initial());
    return first ? projection.a(vera.rank()) : projection.b(vera.rank(), out);
  }

  private Tensor widened(Tensor tensor, ParameterSpec spec, long needed) {
    boolean first = spec.init() == Initializer.PROJECTION_A;
    int axis = first ? 1 : 0;
    if (tensor.shape().rank() != 2 || tensor.shape().dim(axis) < needed) {
      throw AdapterFitting.unusable(
          "'%s' is %s, and its layers need %d along axis %d"
              .formatted(spec.peftKey(), tensor.shape(), needed, axis),
          "use the bundle of the base that it was trained on");
    }
    long rank = tensor.shape().dim(1 - axis);
    long width = Long.parseLong(spec.dims().get(first ? 0 : 1));
    return tensor.resized(first ? Shape.of(rank, width) : Shape.of(width, rank));
  }

  private long in(Set<String> layers) {
    MethodInfo method = bundle.adapter().method(MethodName.VERA).orElseThrow();
    return IntStream.range(0, method.sites().size())
        .filter(site -> layers.contains(method.sites().get(site)))
        .mapToLong(site -> method.widths().get(site))
        .max()
        .orElseThrow();
  }

  private long out(Set<String> layers) {
    return bundle.parameters().stream()
        .filter(spec -> spec.method().equals(Optional.of(MethodName.VERA)))
        .filter(spec -> spec.init() == Initializer.ZEROS && layers.contains(spec.site()))
        .mapToLong(spec -> Long.parseLong(spec.dims().getFirst()))
        .max()
        .orElseThrow();
  }
}
