package dev.banyan.runtime.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.runtime.ort.MiniLm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextTokenizerTest {
  @TempDir static Path folder;
  private static Path file;

  @BeforeAll
  static void copyTokenizer() {
    file = MiniLm.tokenizer(folder);
  }

  @Test
  void textsGetBertsSpecialTokens() {
    try (TextTokenizer tokenizer = new TextTokenizer(file, 16)) {
      Encoding encoding = tokenizer.encode(Text.of("Hello world"));
      assertThat(encoding.ids()).containsExactly(101, 7592, 2088, 102);
      assertThat(encoding.types()).containsOnly(0);
      assertThat(tokenizer.padId()).isZero();
    }
  }

  @Test
  void pairsAndSingleTextsMayBeMixed() {
    try (TextTokenizer tokenizer = new TextTokenizer(file, 16)) {
      Text pair = new Text("hello", Optional.of("world"));
      List<Encoding> encodings = tokenizer.encodeAll(List.of(pair, Text.of("hello")));
      assertThat(encodings.get(0).ids()).containsExactly(101, 7592, 102, 2088, 102);
      assertThat(encodings.get(0).types()).containsExactly(0, 0, 0, 1, 1);
      assertThat(encodings.get(1).ids()).containsExactly(101, 7592, 102);
      assertThat(tokenizer.encode(pair).ids()).isEqualTo(encodings.get(0).ids());
    }
  }

  @Test
  void longTextsAreCutAtTheLimit() {
    try (TextTokenizer tokenizer = new TextTokenizer(file, 8)) {
      Encoding encoding = tokenizer.encode(Text.of("hello ".repeat(100)));
      assertThat(encoding.ids()).containsExactly(101, 7592, 7592, 7592, 7592, 7592, 7592, 102);
      Encoding pair =
          tokenizer.encode(new Text("hello ".repeat(50), Optional.of("world ".repeat(50))));
      assertThat(pair.length()).isEqualTo(8);
    }
  }

  @Test
  void piecesKnowTheirWords() {
    try (TextTokenizer tokenizer = new TextTokenizer(file, 9)) {
      // "unaffable" is three pieces, and "U.S." one word for its reader and four pieces here.
      WordEncoding words = tokenizer.encodeWords(List.of("hello", "unaffable", "U.S.", "world"));
      assertThat(words.words()).containsExactly(-1, 0, 1, 1, 1, 2, 2, 2, -1);
      assertThat(words.encoding().ids()).hasSize(9).startsWith(101, 7592).endsWith(102);
    }
  }

  @Test
  void manyTextsKeepTheirOrder() {
    try (TextTokenizer tokenizer = new TextTokenizer(file, 32)) {
      List<Text> texts = new ArrayList<>();
      for (int i = 0; i < 1500; i++) {
        texts.add(Text.of("hello ".repeat(i % 7)));
      }
      List<Encoding> encodings = tokenizer.encodeAll(texts);
      assertThat(encodings).hasSize(1500);
      for (int i = 0; i < 1500; i++) {
        assertThat(encodings.get(i).length()).isEqualTo(2 + i % 7);
      }
    }
  }

  @Test
  void tokenizerOfAnotherModelIsRefused() {
    try (TextTokenizer tokenizer = new TextTokenizer(file, 16)) {
      tokenizer.requireFits(30522);
      assertThatThrownBy(() -> tokenizer.requireFits(30521))
          .isInstanceOf(DataFailure.BadTokenizer.class)
          .hasMessageContaining("token ids up to 30521, but the model embeds 30521 tokens");
    }
  }

  @Test
  void fileThatIsNoTokenizerIsRefused() throws IOException {
    Path other = Files.writeString(folder.resolve("other.json"), "{\"a\": [1, {\"b\": 2}]}");
    assertThatThrownBy(() -> new TextTokenizer(other, 16))
        .isInstanceOf(DataFailure.BadTokenizer.class)
        .hasMessageContaining("it has no vocabulary");
    Path cut = folder.resolve("cut.json");
    Files.write(cut, java.util.Arrays.copyOf(Files.readAllBytes(file), 10_000));
    assertThatThrownBy(() -> new TextTokenizer(cut, 16))
        .isInstanceOf(DataFailure.BadTokenizer.class)
        .hasMessageStartingWith(cut + ": this is not JSON");
    assertThatThrownBy(() -> new TextTokenizer(folder.resolve("none.json"), 16))
        .hasMessageEndingWith("there is no such file");
  }

  @Test
  void unigramVocabularyAndPadTokenAreRead() throws IOException {
    Path unigram =
        Files.writeString(
            folder.resolve("unigram.json"),
            """
            {"added_tokens": [{"id": 1, "content": "<pad>", "special": true}],
             "model": {"type": "Unigram", "unk_id": 3, "vocab": [["<s>", 0.0], ["<pad>", 0.0], ["a", -1.5]]}}
            """);
    assertThat(TokenizerFacts.read(unigram)).isEqualTo(new TokenizerFacts(2, 1));
  }
}
