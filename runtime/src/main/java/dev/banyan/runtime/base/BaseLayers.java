package dev.banyan.runtime.base;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The layers of a bundle that adapters can be at, each without its bias: they multiply by the
 * base's weights, in whatever form those are stored. The weights are mapped from the bundle's file.
 *
 * <pre>{@code
 * try (BaseLayers layers = BaseLayers.of(bundle)) {
 *   Tensor weight = layers.weight("encoder.layer.0.attention.self.query");
 * }
 * }</pre>
 */
public final class BaseLayers implements AutoCloseable {
  private static final String ROWS = ".rows";
  private static final String PRODUCTS = ".products";

  private final InferenceSession session;

  /** Features that each layer reads, by its path. */
  private final Map<String, Long> widths = new LinkedHashMap<>();

  private BaseLayers(InferenceSession session) {
    this.session = session;
    for (TensorPort input : session.inputs()) {
      String name = input.name();
      widths.put(name.substring(0, name.length() - ROWS.length()), input.dims().getLast());
    }
  }

  /**
   * Loads those of a bundle.
   *
   * @throws UnusableArtifact if the bundle has none
   * @throws dev.banyan.runtime.RuntimeFailure if ONNX Runtime does not load them
   */
  public static BaseLayers of(Bundle bundle) {
    if (!bundle.has(Bundle.LAYERS_MODEL)) {
      throw new UnusableArtifact(
          bundle.dir().toString(),
          "no " + Bundle.LAYERS_MODEL + " in it",
          "prepare the bundle again with this version of Banyan");
    }
    return open(bundle.file(Bundle.LAYERS_MODEL));
  }

  /**
   * Loads the graph of a bundle that is still being made.
   *
   * @throws dev.banyan.runtime.RuntimeFailure if ONNX Runtime does not load it
   */
  public static BaseLayers open(Path graph) {
    // A few products do not pay for copies of all weights.
    SessionSettings settings = SessionSettings.defaults().sparing(Long.MAX_VALUE);
    return new BaseLayers(InferenceSession.open(graph, settings));
  }

  /**
   * What layers make of rows, without their biases.
   *
   * @param rows float {@code [n, in]} by the path of a layer
   * @return float {@code [n, out]} by the path of a layer
   * @throws IllegalArgumentException if there is no such layer
   */
  public Map<String, Tensor> products(Map<String, Tensor> rows) {
    rows.keySet().forEach(this::width);
    List<String> wanted = new ArrayList<>();
    rows.keySet().forEach(path -> wanted.add(path + PRODUCTS));
    Map<String, Tensor> products = new LinkedHashMap<>();
    try (TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = new LinkedHashMap<>();
      widths.forEach((path, width) -> feeds.put(path + ROWS, fed(scope, rows.get(path), width)));
      try (OutputTensors out = session.run(feeds, wanted)) {
        for (String path : rows.keySet()) {
          String name = path + PRODUCTS;
          products.put(path, Tensor.ofFloats(name, out.shape(name), out.floats(name)));
        }
      }
    }
    return products;
  }

  /** Layers that are not asked for get one row of zeros: ONNX Runtime wants every input. */
  private static NativeTensor fed(TensorScope scope, @Nullable Tensor rows, long width) {
    return rows == null
        ? scope.floats(new float[Math.toIntExact(width)], 1, width)
        : scope.floats(rows.floats(), rows.shape().toArray());
  }

  /**
   * The weight of a layer, float {@code [in, out]}.
   *
   * @throws IllegalArgumentException if there is no such layer
   */
  public Tensor weight(String path) {
    int width = Math.toIntExact(width(path));
    float[] identity = new float[Math.multiplyExact(width, width)];
    for (int i = 0; i < width; i++) {
      identity[i * width + i] = 1;
    }
    Tensor rows = Tensor.ofFloats("identity", Shape.of(width, width), identity);
    return Objects.requireNonNull(products(Map.of(path, rows)).get(path)).named(path + ".weight");
  }

  private long width(String path) {
    Long width = widths.get(path);
    if (width == null) {
      throw new IllegalArgumentException("No layer '" + path + "' among " + widths.keySet());
    }
    return width;
  }

  /** Unloads them; closing twice does nothing. */
  @Override
  public void close() {
    session.close();
  }
}
