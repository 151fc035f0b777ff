package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.Size;
import java.util.OptionalInt;

/** PEFT's description of an adapter of one of the methods that are from LyCORIS. */
sealed interface LycorisConfig extends AdapterConfig permits LohaConfig, LokrConfig {
  /** Rank and alpha of each layer. */
  LayerScaling layers();

  @Override
  default OptionalInt size(Size size, String module) {
    return size == Size.RANK ? OptionalInt.of(layers().rank(module)) : OptionalInt.empty();
  }

  @Override
  default double scaling(MethodName method, String module) {
    return layers().factor(module);
  }

  /** The keys that both have, but for those that are kept as they were. */
  static ObjectNode write(String type, LycorisConfig config) {
    ObjectNode json = ConfigOutput.write(type, config.common());
    config.layers().put(json);
    json.put("rank_dropout", 0.0).put("module_dropout", 0.0);
    json.put("use_effective_conv2d", false).put("init_weights", true);
    return json.putNull("layers_to_transform");
  }
}
