package dev.banyan.artifacts.combine;

import java.util.Optional;

/**
 * The names of a layer's factors.
 *
 * @param layer what both begin with: {@code base_model.model.} and the module path
 * @param a what the name of A goes on with
 * @param b what the name of B goes on with
 */
record FactorKeys(String layer, String a, String b) {
  static final String PREFIX = "base_model.model.";

  /** What a factor is called in a linear layer or a convolution, and in a table of embeddings. */
  private static final String[][] SUFFIXES = {
    {".lora_A.weight", ".lora_B.weight"}, {".lora_embedding_A", ".lora_embedding_B"}
  };

  /** The layer of a factor; empty if the tensor is none. */
  static Optional<FactorKeys> of(String tensor) {
    for (String[] suffix : SUFFIXES) {
      for (String own : suffix) {
        if (tensor.startsWith(PREFIX) && tensor.endsWith(own)) {
          String layer = tensor.substring(0, tensor.length() - own.length());
          return Optional.of(new FactorKeys(layer, suffix[0], suffix[1]));
        }
      }
    }
    return Optional.empty();
  }

  String ofA() {
    return layer + a;
  }

  String ofB() {
    return layer + b;
  }

  /** The module path as PEFT sees it. */
  String module() {
    return layer.substring(PREFIX.length());
  }
}
