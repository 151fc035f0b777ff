package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.tensor.Shape;
import java.util.List;
import java.util.Set;

/**
 * One trainable parameter: an input of the training graph, a tensor of the PEFT file, a bank of the
 * serving graph.
 *
 * @param name the graph input, such as {@code encoder.layer.0.attention.self.query.lora_A}
 * @param dims each a number, {@code rank} or {@code labels}
 * @param init how it starts
 * @param peftKey its key in a PEFT file without {@code base_model.model.} and without the prefix of
 *     {@link AdapterInfo}
 * @param transposed true if the PEFT file holds the transpose, as PyTorch's linear layers do
 * @param scaled true if serving multiplies it by alpha/rank
 * @param decayed true if weight decay applies
 */
public record ParameterSpec(
    String name,
    List<String> dims,
    Initializer init,
    String peftKey,
    boolean transposed,
    boolean scaled,
    boolean decayed) {
  /** The dimension that each adapter chooses for itself: LoRA's rank. */
  public static final String RANK = "rank";

  /** The dimension that each adapter chooses for itself: its number of labels. */
  public static final String LABELS = "labels";

  private static final Set<String> SYMBOLS = Set.of(RANK, LABELS);

  /**
   * Checks the dimensions.
   *
   * @throws IllegalArgumentException if one is neither a positive number nor a known symbol
   */
  public ParameterSpec {
    dims = List.copyOf(dims);
    for (String dim : dims) {
      if (!SYMBOLS.contains(dim) && !dim.matches("[1-9][0-9]{0,17}")) {
        throw new IllegalArgumentException(
            "Parameter '%s' has the dimension '%s'; known are numbers, rank and labels"
                .formatted(name, dim));
      }
    }
  }

  /**
   * True for a weight that the base has too. An adapter's file holds it whole; a bank holds its
   * distance from the base's.
   */
  public boolean isOfBase() {
    return init == Initializer.FROM_BASE;
  }

  /** The serving graph's input that holds this parameter of many adapters. */
  public String bankName() {
    return name + ".bank";
  }

  /** The shape of an adapter of this rank with this many labels. */
  public Shape shape(long rank, long labels) {
    return new Shape(
        dims.stream()
            .map(
                dim ->
                    switch (dim) {
                      case RANK -> rank;
                      case LABELS -> labels;
                      default -> Long.parseLong(dim);
                    })
            .toList());
  }
}
