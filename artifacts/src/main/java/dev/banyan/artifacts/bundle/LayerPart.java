package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;

/**
 * Columns next to each other of what a layer gives: query, key or value of a layer that computes
 * all three.
 *
 * @param layer path of the whole layer
 * @param from the first of them
 * @param width how many they are
 * @param of how many the layer has
 */
public record LayerPart(String layer, int from, int width, int of) {
  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if the layer does not have such columns
   */
  public LayerPart {
    if (from < 0 || width < 1 || width > of - from) {
      throw new IllegalArgumentException(
          "Columns %d to %d of '%s', which has %d".formatted(from, from + width, layer, of));
    }
  }

  /**
   * A matrix for the whole layer: with zeros in all other columns.
   *
   * @param tensor float {@code [rows, width]}
   * @return float {@code [rows, of]}
   */
  public Tensor widened(Tensor tensor) {
    float[] own = tensor.floats();
    int rows = Math.toIntExact(tensor.shape().dim(0));
    float[] all = new float[Math.multiplyExact(rows, of)];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(own, row * width, all, row * of + from, width);
    }
    return Tensor.ofFloats(tensor.name(), Shape.of(rows, of), all);
  }
}
