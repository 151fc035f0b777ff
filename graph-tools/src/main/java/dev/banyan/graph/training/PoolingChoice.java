package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Graph;
import java.util.Arrays;
import java.util.List;

/** The poolings that {@code prepare} would find what it needs for. */
public final class PoolingChoice {
  private PoolingChoice() {}

  /**
   * The poolings that a graph's inputs and outputs allow, by the types that its file states.
   *
   * @return none if it is no encoder of text: an input is no tokens, or no output has a vector for
   *     each
   */
  public static List<Pooling> of(Graph graph) {
    try {
      EncoderPorts.requireTokens(graph);
      EncoderPorts ports = EncoderPorts.of(graph);
      return Arrays.stream(Pooling.values())
          .filter(pooling -> pooling != Pooling.POOLER || ports.pooled().isPresent())
          .toList();
    } catch (UnusableModel noEncoder) {
      return List.of();
    }
  }
}
