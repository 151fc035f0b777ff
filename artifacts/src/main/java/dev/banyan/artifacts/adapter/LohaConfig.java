package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.MethodName;
import java.util.List;

/**
 * PEFT's description of a LoHa adapter, {@code peft_type} {@code LOHA}.
 *
 * @param common what every adapter has
 * @param layers rank and alpha of each layer
 */
public record LohaConfig(CommonConfig common, LayerScaling layers) implements LycorisConfig {
  static LohaConfig parse(ConfigJson json) {
    LayerScaling layers = LayerScaling.take(json);
    return new LohaConfig(json.takeCommon(), layers);
  }

  @Override
  public List<MethodName> methods() {
    return List.of(MethodName.LOHA);
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
    ObjectNode json = LycorisConfig.write("LOHA", this);
    json.setAll(common.other());
    return json;
  }
}
