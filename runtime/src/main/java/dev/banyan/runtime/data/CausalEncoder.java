package dev.banyan.runtime.data;

import dev.banyan.artifacts.bundle.ChatFormat;
import dev.banyan.artifacts.bundle.PromptFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Reads a data set for the next token: what an example's texts are, which of their tokens are
 * learned, and which examples share a row.
 *
 * <p>Each part of an example becomes tokens by itself, so that a completion is learned behind
 * exactly the tokens that a prompt has when it is alone. The tokens of one example have one segment
 * number, from 1 on in each row: they attend to no others.
 *
 * @param tokenizer the bundle's; it cuts each part at the bundle's limit
 * @param format how texts are written
 * @param maxLength tokens after which an example is cut
 * @param pack tokens of a row that examples share; 0 gives each a row of its own
 */
public record CausalEncoder(TextTokenizer tokenizer, PromptFormat format, int maxLength, int pack) {
  /**
   * Checks the sizes.
   *
   * @throws IllegalArgumentException if rows are longer than the bundle allows
   */
  public CausalEncoder {
    if (pack < 0 || pack > maxLength) {
      throw new IllegalArgumentException(
          "pack is %d; expected 0, or rows of at most the %d tokens that the bundle was prepared for"
              .formatted(pack, maxLength));
    }
  }

  /** Part of a text. */
  private record Part(String text, boolean learned) {}

  /**
   * Rows of tokens, each with the tokens to be learned as its labels.
   *
   * @throws DataFailure.BadLine if a record is of no known kind, or has nothing to learn
   */
  public EncodedData encode(Dataset data) {
    long[] start = tokenizer.start();
    long end = tokenizer.requireToken(format.endOfText());
    List<LearnedTokens> examples = new ArrayList<>();
    for (DataRow row : data.rows()) {
      LearnedTokens tokens =
          switch (Example.Written.of(row)) {
            case Example.Passage passage ->
                tokens(List.of(new Part(passage.text(), true)), start, Optional.of(end));
            case Example.Completion completion ->
                tokens(
                    List.of(
                        new Part(completion.prompt(), false),
                        new Part(completion.completion(), true)),
                    start,
                    Optional.of(end));
            case Example.Conversation conversation ->
                tokens(chat(row, conversation), new long[0], Optional.empty());
          };
      if (tokens.learned() == 0) {
        throw row.bad(
            "there is nothing to learn in its first %d tokens; shorten what comes before, or prepare with a larger --max-length"
                .formatted(maxLength));
      }
      examples.add(tokens);
    }
    return rows(
        pack == 0 ? examples.stream().map(List::of).toList() : Packing.rows(examples, pack));
  }

  private LearnedTokens tokens(List<Part> parts, long[] start, Optional<Long> end) {
    LearnedTokens tokens = new LearnedTokens(maxLength);
    tokens.add(start, false);
    List<long[]> ids = tokenizer.pieces(parts.stream().map(Part::text).toList());
    for (int i = 0; i < ids.size(); i++) {
      tokens.add(ids.get(i), parts.get(i).learned());
    }
    end.ifPresent(id -> tokens.add(new long[] {id}, true));
    return tokens;
  }

  private List<Part> chat(DataRow row, Example.Conversation conversation) {
    ChatFormat chat =
        format
            .chat()
            .orElseThrow(
                () ->
                    row.bad(
                        "it is a conversation, and the bundle has no chat format; prepare with --chat-format"));
    StringBuilder given = new StringBuilder(chat.start());
    List<Part> parts = new ArrayList<>();
    boolean system = conversation.messages().getFirst().role().equals(ChatFormat.SYSTEM);
    ChatFormat.Turn systemTurn = chat.roles().get(ChatFormat.SYSTEM);
    if (!system && systemTurn != null) {
      chat.defaultSystem()
          .ifPresent(
              words ->
                  given
                      .append(systemTurn.before())
                      .append(words)
                      .append(systemTurn.end())
                      .append(systemTurn.after()));
    }
    for (Example.Message message : conversation.messages()) {
      ChatFormat.Turn turn = chat.roles().get(message.role());
      if (turn == null) {
        throw row.bad(
            "a message has the role \"%s\"; the bundle's chat format has %s"
                .formatted(message.role(), chat.roles().keySet()));
      }
      given.append(turn.before());
      if (message.role().equals(ChatFormat.ASSISTANT)) {
        parts.add(new Part(given.toString(), false));
        given.setLength(0);
        parts.add(new Part(message.content() + turn.end(), true));
      } else {
        given.append(message.content()).append(turn.end());
      }
      given.append(turn.after());
    }
    return parts;
  }

  private static EncodedData rows(List<List<LearnedTokens>> rows) {
    List<Encoding> texts = new ArrayList<>();
    List<List<Integer>> labels = new ArrayList<>();
    for (List<LearnedTokens> row : rows) {
      long[] ids = row.stream().flatMapToLong(tokens -> Arrays.stream(tokens.ids())).toArray();
      long[] segments = new long[ids.length];
      List<Integer> own = new ArrayList<>();
      for (int i = 0; i < row.size(); i++) {
        Arrays.fill(segments, own.size(), own.size() + row.get(i).length(), i + 1L);
        own.addAll(row.get(i).labels());
      }
      texts.add(new Encoding(ids, segments));
      labels.add(own);
    }
    return new EncodedData(List.of(texts), new Targets.NextTokens(labels));
  }
}
