package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.MethodName;
import java.util.List;

/**
 * PEFT's description of an IA3 adapter, {@code peft_type} {@code IA3}.
 *
 * @param common what every adapter has
 * @param feedforwardModules {@code feedforward_modules}: layers whose input is scaled, not their
 *     output
 */
public record Ia3Config(CommonConfig common, List<String> feedforwardModules)
    implements AdapterConfig {
  static final String FEEDFORWARD = "feedforward_modules";

  /** Copies the list. */
  public Ia3Config {
    feedforwardModules = List.copyOf(feedforwardModules);
  }

  static Ia3Config parse(ConfigJson json) {
    List<String> feedforward = json.takeNames(FEEDFORWARD);
    json.refuseIfSet("fan_in_fan_out");
    return new Ia3Config(json.takeCommon(), feedforward);
  }

  @Override
  public List<MethodName> methods() {
    return List.of(MethodName.IA3);
  }

  @Override
  public String identity() {
    return "ia3 " + feedforwardModules;
  }

  @Override
  public Ia3Config withBaseModel(String name) {
    return new Ia3Config(common.withBaseModel(name), feedforwardModules);
  }

  @Override
  public ObjectNode json() {
    ObjectNode json = ConfigOutput.write("IA3", common);
    ConfigOutput.put(json.putArray(FEEDFORWARD), feedforwardModules);
    json.put("fan_in_fan_out", false).put("init_ia3_weights", true);
    json.setAll(common.other());
    return json;
  }
}
