package dev.banyan.artifacts.bundle;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a bundle's adapters learn to do. */
public enum Task {
  /** One label for each text, from a linear head over the pooled embedding. */
  TEXT_CLASSIFICATION("text-classification", Head.TEXT, "SEQ_CLS"),
  /** Any number of labels for each text, from the same head. */
  MULTI_LABEL("multi-label", Head.TEXT, "SEQ_CLS"),
  /** A number for each text, from the same head with one output. */
  REGRESSION("regression", Head.TEXT, "SEQ_CLS"),
  /** One label for each word, from a linear head over the token vectors. */
  TOKEN_CLASSIFICATION("token-classification", Head.TOKENS, "TOKEN_CLS"),
  /** A better embedding for each text, from texts that belong together or do not. */
  EMBEDDING("embedding", Head.NONE, "FEATURE_EXTRACTION"),
  /** The next token of a text, from the base model's own head. */
  CAUSAL_LM("causal-lm", Head.NONE, "CAUSAL_LM");

  /** What is trained on top of the base beside its adapted layers. */
  public enum Head {
    /** Nothing. */
    NONE,
    /** A linear layer over the pooled vector of a text: {@code [batch, labels]}. */
    TEXT,
    /** A linear layer over the vector of each token: {@code [batch, sequence, labels]}. */
    TOKENS
  }

  private final String text;
  private final Head head;
  private final String peftType;

  Task(String text, Head head, String peftType) {
    this.text = text;
    this.head = head;
    this.peftType = peftType;
  }

  /** The name used on the command line and in files. */
  public String text() {
    return text;
  }

  /** What is on top of the base. */
  public Head head() {
    return head;
  }

  /** PEFT's name for it, the {@code task_type} of an adapter's configuration. */
  public String peftType() {
    return peftType;
  }

  /** Labels of an adapter that stands for any other: as few as there can be to choose from. */
  public int exampleLabels() {
    return switch (this) {
      case TEXT_CLASSIFICATION, MULTI_LABEL, TOKEN_CLASSIFICATION -> 2;
      case REGRESSION -> 1;
      case EMBEDDING, CAUSAL_LM -> 0;
    };
  }

  /** Whether a base prepared for another task has the head that this one's adapters bring. */
  public boolean fits(Task bundle) {
    return head == Head.NONE || head == bundle.head;
  }

  /** The task of this name; empty if there is none. */
  public static Optional<Task> of(String text) {
    return Arrays.stream(values()).filter(task -> task.text.equals(text)).findFirst();
  }

  /** All names, as a sentence lists them. */
  public static String names() {
    List<String> names = Arrays.stream(values()).map(Task::text).toList();
    String most = names.stream().limit(names.size() - 1L).collect(Collectors.joining(", "));
    return most + " or " + names.getLast();
  }

  static Task parse(String text) {
    return of(text).orElseThrow(() -> new IllegalArgumentException("'" + text + "' is not a task"));
  }
}
