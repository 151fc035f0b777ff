package dev.banyan.runtime.data;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.util.PairList;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Turns texts into token ids by a {@code tokenizer.json}, special tokens included. Texts longer
 * than the limit are cut at their end (in a pair, the longer text first). May be used by several
 * threads at once.
 *
 * <pre>{@code
 * try (TextTokenizer tokenizer = new TextTokenizer(Path.of("tokenizer.json"), 256)) {
 *   Encoding encoding = tokenizer.encode(Example.of("Where is my parcel?"));
 * }
 * }</pre>
 */
public final class TextTokenizer implements AutoCloseable {
  /** Texts that go to the native library in one call, which uses all cores for them. */
  private static final int CHUNK = 512;

  static {
    // The library otherwise asks a cloud metadata address for telemetry at its first use.
    System.setProperty("OPT_OUT_TRACKING", "true");
  }

  private final Path file;
  private final TokenizerFacts facts;
  private final HuggingFaceTokenizer tokenizer;
  private boolean closed;

  /**
   * Loads the native library now rather than with the first tokenizer.
   *
   * @throws DataFailure.NoNativeLibrary if there is none for this machine or it does not load
   */
  public static void load() {
    try {
      LibUtils.checkStatus();
    } catch (LinkageError | RuntimeException e) {
      throw new DataFailure.NoNativeLibrary(
          "The tokenizer's native library does not load on %s %s: %s"
              .formatted(
                  System.getProperty("os.name"), System.getProperty("os.arch"), e.getMessage()),
          e);
    }
  }

  /**
   * Loads a tokenizer.
   *
   * @param file a {@code tokenizer.json}
   * @param maxLength most tokens of one text or pair
   * @throws DataFailure.BadTokenizer if the file is not a tokenizer
   */
  public TextTokenizer(Path file, int maxLength) {
    this.file = file;
    this.facts = TokenizerFacts.read(file);
    load();
    try {
      this.tokenizer =
          HuggingFaceTokenizer.builder()
              .optTokenizerPath(file)
              .optAddSpecialTokens(true)
              .optTruncation(true)
              .optPadding(false)
              .optMaxLength(maxLength)
              .build();
    } catch (IOException | RuntimeException e) {
      throw new DataFailure.BadTokenizer(
          file, "this is not a tokenizer.json that can be used: " + e.getMessage(), e);
    }
  }

  /**
   * Checks that every token has a row in the model's embedding.
   *
   * @param rows number of tokens the model embeds
   * @throws DataFailure.BadTokenizer if the tokenizer has a token beyond
   */
  public void requireFits(long rows) {
    if (facts.maxId() >= rows) {
      throw new DataFailure.BadTokenizer(
          file,
          "it has token ids up to %d, but the model embeds %d tokens; prepare with the model's own tokenizer.json"
              .formatted(facts.maxId(), rows),
          null);
    }
  }

  /** The id that fills up short rows. */
  public long padId() {
    return facts.padId();
  }

  /** Encodes one text or pair. */
  public Encoding encode(Example example) {
    return encodeAll(List.of(example)).getFirst();
  }

  /** Encodes texts and pairs, in their order. */
  public List<Encoding> encodeAll(List<Example> examples) {
    List<Encoding> result = new ArrayList<>(examples.size());
    for (int start = 0; start < examples.size(); start += CHUNK) {
      List<Example> chunk = examples.subList(start, Math.min(examples.size(), start + CHUNK));
      if (chunk.stream().allMatch(example -> example.textPair().isEmpty())) {
        addAll(
            result, tokenizer.batchEncode(chunk.stream().map(Example::text).toList(), true, false));
      } else {
        addAll(result, encodePairs(chunk));
      }
    }
    return result;
  }

  /** A chunk may mix pairs and single texts, which the native call does not. */
  private ai.djl.huggingface.tokenizers.Encoding[] encodePairs(List<Example> chunk) {
    if (chunk.stream().allMatch(example -> example.textPair().isPresent())) {
      PairList<String, String> pairs = new PairList<>();
      chunk.forEach(example -> pairs.add(example.text(), example.textPair().orElseThrow()));
      return tokenizer.batchEncode(pairs, true, false);
    }
    return chunk.stream()
        .map(
            example ->
                example
                    .textPair()
                    .map(pair -> tokenizer.encode(example.text(), pair, true, false))
                    .orElseGet(() -> tokenizer.encode(example.text(), true, false)))
        .toArray(ai.djl.huggingface.tokenizers.Encoding[]::new);
  }

  private static void addAll(
      List<Encoding> result, ai.djl.huggingface.tokenizers.Encoding[] encodings) {
    Arrays.stream(encodings)
        .map(encoding -> new Encoding(encoding.getIds(), encoding.getTypeIds()))
        .forEach(result::add);
  }

  /** Releases the native tokenizer; closing twice does nothing. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      tokenizer.close();
    }
  }
}
