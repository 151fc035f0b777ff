package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.MethodName;
import java.util.List;

/**
 * PEFT's description of a soft prompt, {@code peft_type} {@code PROMPT_TUNING}.
 *
 * @param common what every adapter has
 * @param tokens {@code num_virtual_tokens}
 * @param width {@code token_dim}: elements of a token's embedding
 */
public record PromptConfig(CommonConfig common, int tokens, int width)
    implements VirtualTokensConfig {
  static final String TYPE = "PROMPT_TUNING";
  private static final String WIDTH = "token_dim";

  static PromptConfig parse(ConfigJson json) {
    int tokens = VirtualTokensConfig.takeTokens(json);
    int width = json.requireCount(WIDTH);
    return new PromptConfig(json.takeCommon(), tokens, width);
  }

  @Override
  public List<MethodName> methods() {
    return List.of(MethodName.PROMPT);
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
    ObjectNode json = VirtualTokensConfig.write(TYPE, this);
    json.put(WIDTH, width);
    // What it started from is of no matter to who uses it, and PEFT would ask for a tokenizer.
    json.put("prompt_tuning_init", "RANDOM");
    json.setAll(common.other());
    return json;
  }
}
