package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.MethodName;
import java.util.List;

/**
 * PEFT's description of an adapter that has normalizations of its own, {@code peft_type} {@code
 * LN_TUNING}; {@code target_modules} names them.
 *
 * @param common what every adapter has
 */
public record LnTuningConfig(CommonConfig common) implements AdapterConfig {
  static final String TYPE = "LN_TUNING";

  static LnTuningConfig parse(ConfigJson json) {
    return new LnTuningConfig(json.takeCommon());
  }

  @Override
  public List<MethodName> methods() {
    return List.of(MethodName.NORMS);
  }

  @Override
  public String identity() {
    return "ln_tuning";
  }

  @Override
  public LnTuningConfig withBaseModel(String name) {
    return new LnTuningConfig(common.withBaseModel(name));
  }

  @Override
  public ObjectNode json() {
    ObjectNode json = ConfigOutput.write(TYPE, common);
    json.setAll(common.other());
    return json;
  }
}
