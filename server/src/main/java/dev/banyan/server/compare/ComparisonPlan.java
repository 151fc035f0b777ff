package dev.banyan.server.compare;

import dev.banyan.artifacts.bundle.EmbeddingInfo;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.runtime.ort.SessionSettings;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * What is compared on what.
 *
 * @param source the base
 * @param methods each as {@code --method} takes it; with a plus between several in one adapter
 * @param data what is learned, and what is judged by
 * @param passes how often and in what steps
 * @param session where and how to compute
 * @param out the folder that is left
 */
record ComparisonPlan(
    Source source,
    List<String> methods,
    Data data,
    Passes passes,
    SessionSettings session,
    Path out) {
  /** Copies the list. */
  ComparisonPlan {
    methods = List.copyOf(methods);
  }

  /**
   * The base and the layers.
   *
   * @param name of the model, as its file was named first
   * @param model the ONNX model
   * @param tokenizer its {@code tokenizer.json}
   * @param task what is learned
   * @param targets the layers of methods that do not name their own
   * @param pooling how token vectors become one
   * @param maxLength tokens after which a text is cut
   * @param embedding what the embedding task learns from; of no use to other tasks
   */
  record Source(
      String name,
      Path model,
      Path tokenizer,
      Task task,
      String targets,
      Pooling pooling,
      OptionalInt maxLength,
      EmbeddingInfo embedding) {}

  /**
   * The examples.
   *
   * @param train what is learned
   * @param test what is judged by
   */
  record Data(Path train, Path test) {}

  /**
   * The run of each method.
   *
   * @param epochs passes over the data
   * @param batch examples a step
   * @param seeds one run each
   */
  record Passes(int epochs, int batch, List<Long> seeds) {
    /** Copies the list. */
    Passes {
      seeds = List.copyOf(seeds);
    }
  }

  /**
   * The choices that a text of {@link #methods} stands for.
   *
   * @throws IllegalArgumentException if it stands for none
   */
  List<MethodChoice> choices(String method) {
    SiteChoice others = SiteChoice.of(source.targets());
    return Arrays.stream(method.split("[+]"))
        .map(text -> MethodChoice.parse(text, others))
        .toList();
  }

  /** What is prepared for a method. */
  PrepareRequest request(List<MethodChoice> choices, Path bundle) {
    return new PrepareRequest(
            source.model(),
            source.tokenizer(),
            source.task(),
            SiteChoice.of("head-only"),
            source.pooling(),
            source.maxLength(),
            bundle)
        .with(source.embedding())
        .withMethods(choices);
  }
}
