package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * PEFT's description of a LoKr adapter, {@code peft_type} {@code LOKR}.
 *
 * @param common what every adapter has
 * @param layers rank and alpha of each layer
 * @param decomposeBoth {@code decompose_both}: whether the first factor can be a product too
 * @param factor {@code decompose_factor}: how the sizes of a layer are divided
 */
public record LokrConfig(
    CommonConfig common, LayerScaling layers, boolean decomposeBoth, int factor)
    implements LycorisConfig {
  private static final String BOTH = "decompose_both";
  private static final String FACTOR = "decompose_factor";

  static LokrConfig parse(ConfigJson json) {
    LayerScaling layers = LayerScaling.take(json);
    boolean both = json.takeFlag(BOTH);
    double factor = json.takeNumber(FACTOR, -1);
    if (factor != Math.rint(factor) || factor < -1 || factor == 0 || factor > 1 << 24) {
      throw json.corrupt(FACTOR, factor, "-1 or a positive whole number");
    }
    return new LokrConfig(json.takeCommon(), layers, both, (int) factor);
  }

  @Override
  public List<MethodName> methods() {
    return List.of(MethodName.LOKR);
  }

  @Override
  public Map<String, Tensor> whole(Map<String, Tensor> tensors) {
    Map<String, Tensor> whole = new LinkedHashMap<>(tensors);
    for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
      String name = entry.getKey();
      Tensor right = tensors.get(name.replaceFirst("_a$", "_b"));
      if (name.matches(".*\\.lokr_w[12]_a") && right != null) {
        whole.remove(name);
        whole.remove(right.name());
        Tensor product = product(entry.getValue(), right);
        String key = name.substring(0, name.length() - 2);
        whole.put(key, product.named(key));
      }
    }
    return whole;
  }

  private static Tensor product(Tensor left, Tensor right) {
    Shape a = left.shape();
    Shape b = right.shape();
    if (a.rank() != 2 || b.rank() != 2 || a.dim(1) != b.dim(0)) {
      throw new CorruptArtifact(
          PeftAdapter.WEIGHTS,
          "'%s' %s beside '%s' %s".formatted(left.name(), a, right.name(), b),
          "the factors of a product");
    }
    int rank = Math.toIntExact(a.dim(1));
    int columns = Math.toIntExact(b.dim(1));
    float[] of = left.floats();
    float[] by = right.floats();
    float[] values = new float[Math.toIntExact(a.dim(0) * columns)];
    for (int i = 0; i < values.length; i++) {
      double sum = 0;
      for (int k = 0; k < rank; k++) {
        sum += (double) of[i / columns * rank + k] * by[k * columns + i % columns];
      }
      values[i] = (float) sum;
    }
    return Tensor.ofFloats(left.name(), Shape.of(a.dim(0), columns), values);
  }

  @Override
  public Optional<String> bundleFor(MethodName method) {
    return Optional.of("lokr:" + FACTOR + "=" + factor);
  }

  @Override
  public String identity() {
    return "lokr " + layers.identity() + " " + factor;
  }

  @Override
  public LokrConfig withBaseModel(String name) {
    return new LokrConfig(common.withBaseModel(name), layers, decomposeBoth, factor);
  }

  @Override
  public ObjectNode json() {
    ObjectNode json = LycorisConfig.write("LOKR", this);
    json.put(BOTH, decomposeBoth).put(FACTOR, factor);
    json.put("rank_dropout_scale", false);
    json.setAll(common.other());
    return json;
  }
}
