package dev.banyan.runtime.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.bundle.ChatFormat;
import dev.banyan.artifacts.bundle.PromptFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CausalEncoderTest {
  private static final int NO = Targets.IGNORED;

  /** Words by number, from 3 on; [EOS] is 1 and the sides of a conversation are words as well. */
  private static final String TOKENIZER =
      """
      {"version":"1.0","truncation":null,"padding":null,"normalizer":null,"post_processor":null,"decoder":null,
       "added_tokens":[
         {"id":1,"content":"[EOS]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
         {"id":2,"content":"[END]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
       "pre_tokenizer":{"type":"Whitespace"},
       "model":{"type":"WordLevel","unk_token":"[UNK]",
         "vocab":{"[UNK]":0,"[EOS]":1,"[END]":2,"a":3,"b":4,"c":5,"user":6,"bot":7,"system":8,"kind":9}}}
      """;

  @TempDir Path folder;
  private TextTokenizer tokenizer;

  @BeforeEach
  void load() throws IOException {
    tokenizer =
        new TextTokenizer(Files.writeString(folder.resolve("tokenizer.json"), TOKENIZER), 8);
  }

  @Test
  void completionIsLearnedAndPromptIsNot() throws IOException {
    EncodedData data = encode(0, "{\"prompt\": \"a b\", \"completion\": \"c\"}");

    assertThat(ids(data, 0)).containsExactly(3L, 4L, 5L, 1L);
    assertThat(labels(data, 0)).containsExactly(NO, NO, 5, 1);
  }

  @Test
  void plainTextIsLearnedBehindItsFirstToken() throws IOException {
    EncodedData data = encode(0, "{\"text\": \"a b c\"}");

    assertThat(ids(data, 0)).containsExactly(3L, 4L, 5L, 1L);
    assertThat(labels(data, 0)).containsExactly(NO, 4, 5, 1);
  }

  @Test
  void assistantsWordsAndTheirEndAreLearned() throws IOException {
    EncodedData data =
        encode(
            0,
            "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\"}]}");

    assertThat(ids(data, 0)).containsExactly(8L, 9L, 2L, 6L, 3L, 2L, 7L, 4L);
    // Eight tokens at most: the end of the answer is cut.
    assertThat(labels(data, 0)).containsExactly(NO, NO, NO, NO, NO, NO, NO, 4);
  }

  @Test
  void examplesShareRowsAndKeepTheirNumbers() throws IOException {
    EncodedData data =
        encode(
            8,
            "{\"text\": \"a b c\"}",
            "{\"text\": \"a b c a\"}",
            "{\"text\": \"b\"}",
            "{\"text\": \"c c\"}");

    assertThat(data.lengths()).containsExactly(8, 6);
    assertThat(ids(data, 0)).containsExactly(3L, 4L, 5L, 3L, 1L, 5L, 5L, 1L);
    assertThat(data.texts().getFirst().getFirst().types()).containsExactly(1, 1, 1, 1, 1, 2, 2, 2);
    assertThat(labels(data, 0)).containsExactly(NO, 4, 5, 3, 1, NO, 5, 1);
    assertThat(data.targets().counted(List.of(0, 1))).isEqualTo(10);
    Batch batch = Batch.of(data.rows(List.of(0, 1)), new Batch.Padding(0, 0));
    assertThat(batch.values("position_ids"))
        .containsExactly(0, 1, 2, 3, 4, 0, 1, 2, 0, 1, 2, 3, 0, 1, 0, 1);
  }

  @Test
  void exampleWithNothingToLearnIsRefusedByItsLine() {
    assertThatThrownBy(() -> encode(0, "{\"prompt\": \"a a a a a a a a\", \"completion\": \"c\"}"))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessageContaining("line 1")
        .hasMessageContaining("nothing to learn in its first 8 tokens");
  }

  @Test
  void recordOfNoKnownFormIsRefused() {
    assertThatThrownBy(() -> encode(0, "{\"question\": \"a\"}"))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessageContaining("messages");
  }

  private EncodedData encode(int pack, String... lines) throws IOException {
    Path file = Files.writeString(folder.resolve("data.jsonl"), String.join("\n", lines));
    PromptFormat format = new PromptFormat("[EOS]", Optional.of(chat()));
    return new CausalEncoder(tokenizer, format, 8, pack).encode(Dataset.read(file));
  }

  private static ChatFormat chat() {
    return new ChatFormat(
        "",
        Optional.of("kind"),
        Map.of(
            "system", new ChatFormat.Turn("system ", "[END]", " "),
            "user", new ChatFormat.Turn("user ", "[END]", " "),
            "assistant", new ChatFormat.Turn("bot ", "[END]", " ")));
  }

  private static List<Long> ids(EncodedData data, int row) {
    return Arrays.stream(data.texts().getFirst().get(row).ids()).boxed().toList();
  }

  private static List<Integer> labels(EncodedData data, int row) {
    return ((Targets.NextTokens) data.targets()).ids().get(row);
  }
}
