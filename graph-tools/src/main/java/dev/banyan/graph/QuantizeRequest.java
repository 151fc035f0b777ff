package dev.banyan.graph;

import dev.banyan.graph.quantize.LayerChoice;
import dev.banyan.graph.quantize.Quantization;
import java.nio.file.Path;

/**
 * What to make of a model of floats.
 *
 * @param model the model
 * @param quantization how weights are stored
 * @param layers which weights
 * @param out where the model goes
 */
public record QuantizeRequest(
    Path model, Quantization quantization, LayerChoice layers, Destination out) {
  /**
   * Where a model goes.
   *
   * @param file the model file to write; one that is there is replaced
   * @param externalData true to put the weights into {@code <file>.data} beside the model even if
   *     they fit into it
   */
  public record Destination(Path file, boolean externalData) {}
}
