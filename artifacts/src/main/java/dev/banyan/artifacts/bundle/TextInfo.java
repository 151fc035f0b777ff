package dev.banyan.artifacts.bundle;

import java.util.List;

/**
 * How text goes in.
 *
 * @param inputs the base model's inputs in its own order, such as {@code input_ids}; each int64
 *     {@code [batch, sequence]}
 * @param pooling how token vectors become one
 * @param maxLength tokens after which a text is cut
 */
public record TextInfo(List<String> inputs, Pooling pooling, int maxLength) {
  /** Copies the list. */
  public TextInfo {
    inputs = List.copyOf(inputs);
  }
}
