package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.MethodName;
import java.util.List;

/**
 * PEFT's description of a prefix, {@code peft_type} {@code PREFIX_TUNING}. Of one that was trained
 * through a projection the file has what came out of it, so that it is used as any other.
 *
 * @param common what every adapter has
 * @param tokens {@code num_virtual_tokens}
 * @param layers {@code num_layers}
 * @param heads {@code num_attention_heads}: those that have keys of their own
 * @param width {@code token_dim}: elements of all heads' keys of a token
 */
public record PrefixConfig(CommonConfig common, int tokens, int layers, int heads, int width)
    implements VirtualTokensConfig {
  static final String TYPE = "PREFIX_TUNING";
  private static final String LAYERS = "num_layers";
  private static final String HEADS = "num_attention_heads";
  private static final String WIDTH = "token_dim";

  static PrefixConfig parse(ConfigJson json) {
    int tokens = VirtualTokensConfig.takeTokens(json);
    int layers = json.requireCount(LAYERS);
    int heads = json.requireCount(HEADS);
    int width = json.requireCount(WIDTH);
    return new PrefixConfig(json.takeCommon(), tokens, layers, heads, width);
  }

  @Override
  public List<MethodName> methods() {
    return List.of(MethodName.PREFIX);
  }

  @Override
  public String identity() {
    return "prefix";
  }

  @Override
  public PrefixConfig withBaseModel(String name) {
    return new PrefixConfig(common.withBaseModel(name), tokens, layers, heads, width);
  }

  @Override
  public ObjectNode json() {
    ObjectNode json = VirtualTokensConfig.write(TYPE, this);
    json.put(LAYERS, layers).put(HEADS, heads).put(WIDTH, width);
    json.put("prefix_projection", false).put("encoder_hidden_size", width);
    json.setAll(common.other());
    return json;
  }
}
