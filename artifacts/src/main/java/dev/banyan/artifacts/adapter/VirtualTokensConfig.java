package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.Size;
import java.util.OptionalInt;

/** PEFT's description of an adapter of tokens that are in no vocabulary. */
sealed interface VirtualTokensConfig extends AdapterConfig permits PromptConfig, PrefixConfig {
  /** The key of {@link #tokens}. */
  String TOKENS = "num_virtual_tokens";

  /** The parts of a model that have tokens of their own: one, but for an encoder with a decoder. */
  String PARTS = "num_transformer_submodules";

  /** How many tokens. */
  int tokens();

  @Override
  default OptionalInt size(Size size, String module) {
    return size == Size.TOKENS ? OptionalInt.of(tokens()) : OptionalInt.empty();
  }

  /** PEFT keeps the model itself in these adapters, and not inside another wrapper. */
  @Override
  default String wrapper() {
    return "base_model.";
  }

  /** Takes the number of tokens, and refuses tokens for several parts of a model. */
  static int takeTokens(ConfigJson json) {
    json.refuseOther(PARTS, 1);
    return json.requireCount(TOKENS);
  }

  /** The keys that both have, but for those that are kept as they were. */
  static ObjectNode write(String type, VirtualTokensConfig config) {
    ObjectNode json = ConfigOutput.write(type, config.common());
    // PEFT knows no layers here, and warns of the key.
    json.remove("target_modules");
    return json.put(TOKENS, config.tokens()).put(PARTS, 1);
  }
}
