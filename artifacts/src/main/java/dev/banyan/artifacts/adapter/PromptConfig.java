package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.Size;
import java.util.List;
import java.util.OptionalInt;

/**
 * PEFT's description of a soft prompt, {@code peft_type} {@code PROMPT_TUNING}.
 *
 * @param common what every adapter has
 * @param tokens {@code num_virtual_tokens}
 * @param width {@code token_dim}: elements of a token's embedding
 */
public record PromptConfig(CommonConfig common, int tokens, int width) implements AdapterConfig {
  static final String TYPE = "PROMPT_TUNING";
  private static final String TOKENS = "num_virtual_tokens";
  private static final String WIDTH = "token_dim";

  static PromptConfig parse(ConfigJson json) {
    int tokens = json.requireCount(TOKENS);
    int width = json.requireCount(WIDTH);
    json.refuseOther("num_transformer_submodules", 1);
    return new PromptConfig(json.takeCommon(), tokens, width);
  }

  @Override
  public List<MethodName> methods() {
    return List.of(MethodName.PROMPT);
  }

  @Override
  public OptionalInt size(Size size, String module) {
    return size == Size.TOKENS ? OptionalInt.of(tokens) : OptionalInt.empty();
  }

  @Override
  public double scaling(MethodName method, String module) {
    return 1;
  }

  /** PEFT keeps the model itself in these adapters, and not inside another wrapper. */
  @Override
  public String wrapper() {
    return "base_model.";
  }

  @Override
  public String identity() {
    return "prompt";
  }

  @Override
  public PromptConfig withBaseModel(String name) {
    return new PromptConfig(common.withBaseModel(name), tokens, width);
  }

  @Override
  public ObjectNode json() {
    ObjectNode json = ConfigJson.write(TYPE, common);
    // PEFT knows no layers here, and warns of the key.
    json.remove("target_modules");
    json.put(TOKENS, tokens).put(WIDTH, width).put("num_transformer_submodules", 1);
    // What it started from is of no matter to who uses it, and PEFT would ask for a tokenizer.
    json.put("prompt_tuning_init", "RANDOM");
    json.setAll(common.other());
    return json;
  }
}
