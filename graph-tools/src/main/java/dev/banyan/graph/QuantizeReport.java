package dev.banyan.graph;

import dev.banyan.graph.blockwise.WeightError;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What was made of a model of floats.
 *
 * @param files the model, and its data file if it has one
 * @param quantization how weights are stored, in words
 * @param layers those that are stored in few bits now, in graph order
 * @param left those that are as they were
 * @param size of the files
 * @param answers what the answers to random tokens lost
 * @param time how long it took
 */
public record QuantizeReport(
    List<Path> files,
    String quantization,
    List<Layer> layers,
    List<Left> left,
    Size size,
    Answers answers,
    Duration time) {
  /** Copies the lists. */
  public QuantizeReport {
    files = List.copyOf(files);
    layers = List.copyOf(layers);
    left = List.copyOf(left);
  }

  /**
   * Bytes on disk.
   *
   * @param before of the model that was read
   * @param after of the model that was written
   */
  public record Size(long before, long after) {}

  /**
   * A layer that is stored in few bits.
   *
   * @param path of its module
   * @param shape rows and columns of its weight: outputs and inputs, or tokens and their size
   * @param size of its weight
   * @param error what its weight lost
   */
  public record Layer(String path, List<Long> shape, Size size, WeightError error) {
    /** Copies the list. */
    public Layer {
      shape = List.copyOf(shape);
    }
  }

  /**
   * A layer that is as it was.
   *
   * @param path of its module
   * @param reason why it is left, in words
   */
  public record Left(String path, String reason) {}

  /**
   * What the model's answers to random tokens lost.
   *
   * @param outputs one entry for each output of floats
   * @param skipped why there is none, if it was not measured
   */
  public record Answers(List<Answer> outputs, Optional<String> skipped) {
    /** Copies the list. */
    public Answers {
      outputs = List.copyOf(outputs);
    }
  }

  /**
   * What one output lost.
   *
   * @param name of the output
   * @param relative length of the difference relative to the length of the original's answer
   * @param largest difference of one number
   * @param sameChoice share of the places where the greatest number of the last axis is the same
   *     one; empty if the output is not {@code logits}
   */
  public record Answer(String name, double relative, double largest, Optional<Double> sameChoice) {}
}
