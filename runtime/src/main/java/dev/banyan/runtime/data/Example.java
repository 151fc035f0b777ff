package dev.banyan.runtime.data;

import java.util.List;
import java.util.Optional;

/**
 * One record of a data set, as a task needs it. Each kind knows the keys that it is read from;
 * other keys are ignored.
 */
public sealed interface Example {
  /** The line of the file that it starts on, from 1. */
  long line();

  /**
   * A text with one label: {@code text}, {@code label}, and {@code text_pair} where two texts are
   * read together.
   *
   * @param content what is read
   * @param label the label's name, or its number as text
   */
  record Labelled(Text content, String label, long line) implements Example {
    /**
     * Reads a record.
     *
     * @throws DataFailure.BadLine if it has no text or no label
     */
    public static Labelled of(DataRow row) {
      return new Labelled(row.content(), row.label("label"), row.line());
    }

    /** The text without what it is paired with. */
    public String text() {
      return content.text();
    }
  }

  /**
   * A text with any number of labels: {@code text}, {@code labels}, {@code text_pair}.
   *
   * @param content what is read
   * @param labels their names; may be none
   */
  record MultiLabelled(Text content, List<String> labels, long line) implements Example {
    /** Copies the list. */
    public MultiLabelled {
      labels = List.copyOf(labels);
    }

    /**
     * Reads a record.
     *
     * @throws DataFailure.BadLine if it has no text or no list of labels
     */
    public static MultiLabelled of(DataRow row) {
      return new MultiLabelled(row.content(), row.labels("labels"), row.line());
    }
  }

  /**
   * A text with a number: {@code text}, {@code score}, {@code text_pair}.
   *
   * @param content what is read
   * @param score the number
   */
  record Scored(Text content, double score, long line) implements Example {
    /**
     * Reads a record.
     *
     * @throws DataFailure.BadLine if it has no text or no number
     */
    public static Scored of(DataRow row) {
      return new Scored(row.content(), row.number("score"), row.line());
    }
  }

  /**
   * Words with a label each: {@code tokens}, {@code labels}.
   *
   * @param words at least one
   * @param labels as many
   */
  record Tagged(List<String> words, List<String> labels, long line) implements Example {
    /** Copies the lists. */
    public Tagged {
      words = List.copyOf(words);
      labels = List.copyOf(labels);
    }

    /**
     * Reads a record.
     *
     * @throws DataFailure.BadLine if it has no words, or not as many labels
     */
    public static Tagged of(DataRow row) {
      List<String> words = row.texts("tokens");
      List<String> labels = row.labels("labels");
      if (words.isEmpty() || words.size() != labels.size()) {
        throw row.bad(
            "\"tokens\" has %d words and \"labels\" %d; expected one label for each word, and a word"
                .formatted(words.size(), labels.size()));
      }
      return new Tagged(words, labels, row.line());
    }
  }

  /**
   * Texts that belong together, and perhaps one that does not: {@code text} or {@code anchor},
   * {@code text_pair} or {@code positive}, {@code negative}.
   *
   * @param anchor the text
   * @param positive what belongs to it
   * @param negative what does not
   */
  record Matched(String anchor, String positive, Optional<String> negative, long line)
      implements Example {
    private static final String NEGATIVE = "negative";

    /**
     * Reads a pair.
     *
     * @throws DataFailure.BadLine if a text is missing, or there is a negative one, which pairs do
     *     not use
     */
    public static Matched pair(DataRow row) {
      if (row.optional(NEGATIVE).isPresent()) {
        throw row.bad(
            "there is a \"negative\", but the bundle was prepared for pairs; prepare it with"
                + " --objective triplets, or leave the key out");
      }
      return new Matched(anchor(row), positive(row), Optional.empty(), row.line());
    }

    /**
     * Reads a triplet.
     *
     * @throws DataFailure.BadLine if a text is missing
     */
    public static Matched triplet(DataRow row) {
      return new Matched(anchor(row), positive(row), Optional.of(row.text(NEGATIVE)), row.line());
    }

    private static String anchor(DataRow row) {
      return row.either("text", "anchor");
    }

    private static String positive(DataRow row) {
      return row.either("text_pair", "positive");
    }
  }

  /** A text for the next token, in one of three forms. */
  sealed interface Written extends Example {
    /**
     * Reads a record of whichever form.
     *
     * @throws DataFailure.BadLine if it has the keys of none
     */
    static Written of(DataRow row) {
      if (row.fields().hasNonNull("messages")) {
        return Conversation.of(row);
      }
      if (row.fields().hasNonNull("prompt") || row.fields().hasNonNull("completion")) {
        return new Completion(row.text("prompt"), row.text("completion"), row.line());
      }
      if (row.fields().hasNonNull("text")) {
        return new Passage(row.text("text"), row.line());
      }
      throw row.bad(
          "there is no \"messages\", no \"prompt\" with \"completion\", and no \"text\"; expected one of them");
    }
  }

  /**
   * A text that is learned as a whole: {@code text}.
   *
   * @param text the text
   */
  record Passage(String text, long line) implements Written {}

  /**
   * A text of which the end is learned: {@code prompt}, {@code completion}.
   *
   * @param prompt what is given
   * @param completion what is learned
   */
  record Completion(String prompt, String completion, long line) implements Written {}

  /**
   * A conversation, of which the assistant's words are learned: {@code messages}, a list of {@code
   * {"role": "user", "content": ".."}}.
   *
   * @param messages at least one
   */
  record Conversation(List<Message> messages, long line) implements Written {
    /** Copies the list. */
    public Conversation {
      messages = List.copyOf(messages);
    }

    private static Conversation of(DataRow row) {
      List<Message> messages =
          row.objects("messages").stream()
              .map(message -> new Message(message.text("role"), message.text("content")))
              .toList();
      if (messages.isEmpty()) {
        throw row.bad("\"messages\" is empty");
      }
      return new Conversation(messages, row.line());
    }
  }

  /**
   * What one side of a conversation says.
   *
   * @param role who speaks, such as {@code user} or {@code assistant}
   * @param content the words
   */
  record Message(String role, String content) {}

  /**
   * Two texts and how much they are alike: {@code text}, {@code text_pair}, {@code score}.
   *
   * @param first a text
   * @param second another
   * @param score from -1 to 1, as a cosine is
   */
  record ScoredPair(String first, String second, double score, long line) implements Example {
    /**
     * Reads a record.
     *
     * @throws DataFailure.BadLine if a text is missing, or the score is none that a cosine can meet
     */
    public static ScoredPair of(DataRow row) {
      double score = row.number("score");
      if (score < -1 || score > 1) {
        throw row.bad(
            "\"score\" is %s; expected a cosine, from -1 to 1: divide the scores by the highest"
                .formatted(score));
      }
      return new ScoredPair(
          row.either("text", "anchor"), row.either("text_pair", "positive"), score, row.line());
    }
  }
}
