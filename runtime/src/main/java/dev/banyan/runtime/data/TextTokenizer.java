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
 *   Encoding encoding = tokenizer.encode(Text.of("Where is my parcel?"));
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

  /**
   * The id of a token of its own, such as the one that ends a text.
   *
   * @throws DataFailure.BadTokenizer if the tokenizer does not know it
   */
  public long requireToken(String token) {
    long[] ids = pieces(List.of(token)).getFirst();
    if (ids.length != 1) {
      throw new DataFailure.BadTokenizer(
          file, "it has no token '%s'; prepare with --end-of-text".formatted(token), null);
    }
    return ids[0];
  }

  /** What the tokenizer puts around every text, as ids: nothing, or a token that begins it. */
  public long[] start() {
    return tokenizer.encode("", true, false).getIds();
  }

  /** The ids of parts of texts, with nothing added, each cut at the limit. */
  public List<long[]> pieces(List<String> texts) {
    return Arrays.stream(tokenizer.batchEncode(texts, false, false))
        .map(ai.djl.huggingface.tokenizers.Encoding::getIds)
        .toList();
  }

  /** The id that fills up short rows. */
  public long padId() {
    return facts.padId();
  }

  /** Encodes one text or pair. */
  public Encoding encode(Text text) {
    return encodeAll(List.of(text)).getFirst();
  }

  /** Encodes texts and pairs, in their order. */
  public List<Encoding> encodeAll(List<Text> texts) {
    List<Encoding> result = new ArrayList<>(texts.size());
    for (int start = 0; start < texts.size(); start += CHUNK) {
      List<Text> chunk = texts.subList(start, Math.min(texts.size(), start + CHUNK));
      if (chunk.stream().allMatch(text -> text.pair().isEmpty())) {
        addAll(result, tokenizer.batchEncode(chunk.stream().map(Text::text).toList(), true, false));
      } else {
        addAll(result, encodePairs(chunk));
      }
    }
    return result;
  }

  /** A chunk may mix pairs and single texts, which the native call does not. */
  private ai.djl.huggingface.tokenizers.Encoding[] encodePairs(List<Text> chunk) {
    if (chunk.stream().allMatch(text -> text.pair().isPresent())) {
      PairList<String, String> pairs = new PairList<>();
      chunk.forEach(text -> pairs.add(text.text(), text.pair().orElseThrow()));
      return tokenizer.batchEncode(pairs, true, false);
    }
    return chunk.stream()
        .map(
            text ->
                text.pair()
                    .map(pair -> tokenizer.encode(text.text(), pair, true, false))
                    .orElseGet(() -> tokenizer.encode(text.text(), true, false)))
        .toArray(ai.djl.huggingface.tokenizers.Encoding[]::new);
  }

  /**
   * Encodes a text that is given as words, each of which is tokenized by itself.
   *
   * @param words at least one
   */
  public WordEncoding encodeWords(List<String> words) {
    ai.djl.huggingface.tokenizers.Encoding encoding = tokenizer.encode(words, true, false);
    return new WordEncoding(
        new Encoding(encoding.getIds(), encoding.getTypeIds()),
        Arrays.stream(encoding.getWordIds()).mapToObj(Math::toIntExact).toList());
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
