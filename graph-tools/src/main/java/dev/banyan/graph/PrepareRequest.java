package dev.banyan.graph;

import dev.banyan.artifacts.bundle.EmbeddingInfo;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.adapter.BaseWeightChoice;
import dev.banyan.graph.lowering.LoweringRules;
import dev.banyan.graph.site.TargetSelector;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What to make a bundle of, and for what.
 *
 * @param model the ONNX model of an encoder
 * @param tokenizer its {@code tokenizer.json}
 * @param task what adapters will learn
 * @param methods how they adapt the model
 * @param pooling how token vectors become one
 * @param training how the graphs of training are made
 * @param maxLength tokens after which a text is cut; if absent 256, or less if the model has fewer
 *     positions
 * @param out the bundle's folder
 * @param embedding what the embedding task learns from; of no use to other tasks
 * @param language how texts are written for a decoder; of no use to other tasks
 * @param weights how the frozen weights are kept
 * @param held which weights of the base adapters hold themselves
 */
public record PrepareRequest(
    Path model,
    Path tokenizer,
    Task task,
    List<MethodChoice> methods,
    Pooling pooling,
    TrainingChoice training,
    OptionalInt maxLength,
    Path out,
    EmbeddingInfo embedding,
    LanguageChoice language,
    WeightChoice weights,
    BaseWeightChoice held) {
  /**
   * Checks that the task's rows have losses of their own and the base is frozen, where adapters
   * train together.
   *
   * @throws IllegalArgumentException if they do not
   */
  public PrepareRequest {
    methods = List.copyOf(methods);
    if (training.gang()
        && !methods.stream().allMatch(choice -> choice.method().name() == MethodName.LORA)) {
      throw new IllegalArgumentException("gang is for the method lora");
    }
    for (MethodChoice choice : methods) {
      MethodName name = choice.method().name();
      if (training.dropout() && name.kind() == MethodName.Kind.MODEL) {
        throw new IllegalArgumentException(
            "lora-dropout has a mask for each token of a text, and the method %s puts others before it; leave out --lora-dropout"
                .formatted(name.text()));
      }
    }
    for (MethodName name : MethodName.values()) {
      List<String> same =
          methods.stream()
              .map(choice -> choice.method().name())
              .filter(other -> other.storedAs() == name)
              .map(MethodName::text)
              .toList();
      if (same.stream().distinct().count() < same.size()) {
        throw new IllegalArgumentException("method names " + same.getFirst() + " twice");
      }
      if (same.size() > 1) {
        throw new IllegalArgumentException(
            "method names %s, whose adapters are all of %s; a bundle of one of them serves them all"
                .formatted(String.join(" and ", same), name.text()));
      }
    }
    if (task.head() == Task.Head.NONE
        && methods.stream().anyMatch(choice -> choice.method().name() == MethodName.HEAD)) {
      throw new IllegalArgumentException(
          "method head is for tasks with labels or numbers to learn, not for " + task.text());
    }
    if (training.gang() && task.head() == Task.Head.NONE) {
      throw new IllegalArgumentException(
          "gang is for tasks that give each text or token a label or a number, not for "
              + task.text());
    }
    if (training.gang() && training.precision() != Precision.FP32) {
      throw new IllegalArgumentException("gang is for precision fp32");
    }
    if (training.gang() && !held.isNone()) {
      throw new IllegalArgumentException(
          "gang trains adapters beside a frozen base; leave out --bias and --modules-to-save");
    }
  }

  /** A request for the faster gradients, with pairs where embeddings are learned. */
  public PrepareRequest(
      Path model,
      Path tokenizer,
      Task task,
      SiteChoice sites,
      Pooling pooling,
      OptionalInt maxLength,
      Path out) {
    this(model, tokenizer, task, sites, pooling, Emission.FUSED, maxLength, out);
  }

  /** A request with pairs where embeddings are learned. */
  public PrepareRequest(
      Path model,
      Path tokenizer,
      Task task,
      SiteChoice sites,
      Pooling pooling,
      Emission gradients,
      OptionalInt maxLength,
      Path out) {
    this(
        model,
        tokenizer,
        task,
        List.of(MethodChoice.lora(sites)),
        pooling,
        TrainingChoice.of(gradients),
        maxLength,
        out,
        EmbeddingInfo.pairs(),
        LanguageChoice.ofModel(),
        WeightChoice.ofModel(),
        BaseWeightChoice.none());
  }

  /** The same for embeddings that are learned from something else. */
  public PrepareRequest with(EmbeddingInfo other) {
    return new PrepareRequest(
        model, tokenizer, task, methods, pooling, training, maxLength, out, other, language,
        weights, held);
  }

  /** The same with texts written in another way. */
  public PrepareRequest with(LanguageChoice other) {
    return new PrepareRequest(
        model, tokenizer, task, methods, pooling, training, maxLength, out, embedding, other,
        weights, held);
  }

  /** The same with frozen weights kept in another way. */
  public PrepareRequest with(WeightChoice other) {
    return new PrepareRequest(
        model, tokenizer, task, methods, pooling, training, maxLength, out, embedding, language,
        other, held);
  }

  /** The same with adapters that hold these weights of the base. */
  public PrepareRequest with(BaseWeightChoice other) {
    return new PrepareRequest(
        model, tokenizer, task, methods, pooling, training, maxLength, out, embedding, language,
        weights, other);
  }

  /** The same with other methods. */
  public PrepareRequest withMethods(List<MethodChoice> other) {
    return new PrepareRequest(
        model, tokenizer, task, other, pooling, training, maxLength, out, embedding, language,
        weights, held);
  }

  /** The same with other graphs of training. */
  public PrepareRequest with(TrainingChoice other) {
    return new PrepareRequest(
        model, tokenizer, task, methods, pooling, other, maxLength, out, embedding, language,
        weights, held);
  }

  /**
   * How texts are written for a decoder, where the files beside its tokenizer do not say it.
   *
   * @param endOfText the token that ends a text
   * @param chatFormat {@code chatml}, or a file of {@link dev.banyan.artifacts.bundle.ChatFormat}'s
   *     form
   */
  public record LanguageChoice(Optional<String> endOfText, Optional<String> chatFormat) {
    /** What the model's own files say. */
    public static LanguageChoice ofModel() {
      return new LanguageChoice(Optional.empty(), Optional.empty());
    }
  }

  /**
   * How the frozen weights are kept.
   *
   * @param dequantized whether quantized weights become floats, for four to eight times the memory;
   *     else adapters learn on the weights that are served
   */
  public record WeightChoice(boolean dequantized) {
    /** As the model has them. */
    public static WeightChoice ofModel() {
      return new WeightChoice(false);
    }

    /** How fused operators are rewritten. */
    public LoweringRules rules() {
      LoweringRules standard = LoweringRules.standard();
      return dequantized ? standard.plus(LoweringRules.dequantize()) : standard;
    }
  }

  /**
   * Which layers are adapted.
   *
   * @param targets names such as {@code query,value}, {@code all-linear}, or a regular expression
   * @param exclude the same for what is left out
   * @param layers such as {@code 2-5}
   */
  public record SiteChoice(String targets, Optional<String> exclude, Optional<String> layers) {
    /** Decides for each site of a model. */
    public TargetSelector selector() {
      return new TargetSelector(targets, exclude, layers);
    }

    /** All sites of these names. */
    public static SiteChoice of(String targets) {
      return new SiteChoice(targets, Optional.empty(), Optional.empty());
    }
  }
}
