package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.Size;
import java.util.List;
import java.util.OptionalInt;

/**
 * PEFT's description of a LoHa adapter, {@code peft_type} {@code LOHA}.
 *
 * @param common what every adapter has
 * @param layers rank and alpha of each layer
 */
public record LohaConfig(CommonConfig common, LayerScaling layers) implements AdapterConfig {
  static LohaConfig parse(ConfigJson json) {
    LayerScaling layers = LayerScaling.take(json);
    return new LohaConfig(json.takeCommon(), layers);
  }

  @Override
  public List<MethodName> methods() {
    return List.of(MethodName.LOHA);
  }

  @Override
  public OptionalInt size(Size size, String module) {
    return size == Size.RANK ? OptionalInt.of(layers.rank(module)) : OptionalInt.empty();
  }

  @Override
  public double scaling(MethodName method, String module) {
    return layers.factor(module);
  }

  @Override
  public String identity() {
    return "loha " + layers.identity();
  }

  @Override
  public LohaConfig withBaseModel(String name) {
    return new LohaConfig(common.withBaseModel(name), layers);
  }

  @Override
  public ObjectNode json() {
    ObjectNode json = ConfigJson.write("LOHA", common);
    layers.put(json);
    json.put("rank_dropout", 0.0).put("module_dropout", 0.0);
    json.put("use_effective_conv2d", false).put("init_weights", true);
    json.putNull("layers_to_transform");
    json.setAll(common.other());
    return json;
  }
}
