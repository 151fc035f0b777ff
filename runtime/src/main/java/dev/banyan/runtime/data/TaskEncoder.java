package dev.banyan.runtime.data;

import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.EmbeddingInfo;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Reads a data set as a bundle's task needs it.
 *
 * @param manifest says the task
 * @param labels the labels by class id; empty for a task without a head
 * @param tokenizer the bundle's
 */
public record TaskEncoder(
    BundleManifest manifest, Optional<LabelSet> labels, TextTokenizer tokenizer) {
  /**
   * The data set as token ids and right answers.
   *
   * @throws DataFailure.BadLine if a record is not of the task's kind, or a label is unknown
   */
  public EncodedData encode(Dataset data) {
    return switch (manifest.task()) {
      case TEXT_CLASSIFICATION -> classes(data);
      case MULTI_LABEL -> classSets(data);
      case REGRESSION -> values(data);
      case TOKEN_CLASSIFICATION -> tags(data);
      case CAUSAL_LM ->
          throw new IllegalArgumentException("The next token's data is read by CausalEncoder");
      case EMBEDDING ->
          switch (manifest.embedding().orElseThrow().objective()) {
            case PAIRS -> matched(data.examples(Example.Matched::pair));
            case TRIPLETS -> matched(data.examples(Example.Matched::triplet));
            case SCORED -> scoredPairs(data.examples(Example.ScoredPair::of));
          };
    };
  }

  private EncodedData classes(Dataset data) {
    LabelSet.Index index = index(data);
    List<Example.Labelled> examples = data.examples(Example.Labelled::of);
    List<Integer> ids =
        examples.stream().map(example -> index.id(example.label(), example.line())).toList();
    return single(examples, Example.Labelled::content, new Targets.Classes(ids));
  }

  private EncodedData classSets(Dataset data) {
    LabelSet.Index index = index(data);
    List<Example.MultiLabelled> examples = data.examples(Example.MultiLabelled::of);
    List<List<Integer>> ids =
        examples.stream()
            .map(
                example ->
                    example.labels().stream()
                        .map(label -> index.id(label, example.line()))
                        .distinct()
                        .toList())
            .toList();
    return single(
        examples,
        Example.MultiLabelled::content,
        new Targets.ClassSets(ids, index.labels().size()));
  }

  private EncodedData values(Dataset data) {
    List<Example.Scored> examples = data.examples(Example.Scored::of);
    List<Double> values = examples.stream().map(Example.Scored::score).toList();
    return single(examples, Example.Scored::content, new Targets.Values(values));
  }

  private <E extends Example> EncodedData single(
      List<E> examples, Function<E, Text> content, Targets targets) {
    return new EncodedData(List.of(encode(examples, content)), targets);
  }

  /** A word's label goes to its first piece; what is behind the last token that fits is lost. */
  private EncodedData tags(Dataset data) {
    LabelSet.Index index = index(data);
    List<Encoding> texts = new ArrayList<>();
    List<List<Integer>> tags = new ArrayList<>();
    for (Example.Tagged example : data.examples(Example.Tagged::of)) {
      List<Integer> ids =
          example.labels().stream().map(label -> index.id(label, example.line())).toList();
      WordEncoding words = tokenizer.encodeWords(example.words());
      texts.add(words.encoding());
      tags.add(firstPieces(words.words(), ids));
    }
    return new EncodedData(List.of(texts), new Targets.Tags(tags));
  }

  private static List<Integer> firstPieces(List<Integer> words, List<Integer> ids) {
    List<Integer> tags = new ArrayList<>(Collections.nCopies(words.size(), Targets.IGNORED));
    Set<Integer> seen = new HashSet<>();
    for (int token = 0; token < words.size(); token++) {
      int word = words.get(token);
      if (word >= 0 && seen.add(word)) {
        tags.set(token, ids.get(word));
      }
    }
    return tags;
  }

  private EncodedData matched(List<Example.Matched> examples) {
    List<List<Encoding>> texts = new ArrayList<>();
    texts.add(encode(examples, example -> Text.of(example.anchor())));
    texts.add(encode(examples, example -> Text.of(example.positive())));
    if (manifest.embedding().map(EmbeddingInfo::texts).orElseThrow() == 3) {
      texts.add(encode(examples, example -> Text.of(example.negative().orElseThrow())));
    }
    return new EncodedData(texts, new Targets.None());
  }

  private EncodedData scoredPairs(List<Example.ScoredPair> examples) {
    return new EncodedData(
        List.of(
            encode(examples, example -> Text.of(example.first())),
            encode(examples, example -> Text.of(example.second()))),
        new Targets.Values(examples.stream().map(Example.ScoredPair::score).toList()));
  }

  private <E extends Example> List<Encoding> encode(List<E> examples, Function<E, Text> content) {
    return tokenizer.encodeAll(examples.stream().map(content).toList());
  }

  private LabelSet.Index index(Dataset data) {
    return labels
        .orElseThrow(
            () ->
                new DataFailure.BadLabels(
                    "The adapter has no labels, and the bundle is for %s; name an adapter that was trained for it"
                        .formatted(manifest.task().text())))
        .index(data.file());
  }
}
