package dev.banyan.artifacts.bundle;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** How the token vectors {@code [batch, sequence, hidden]} become one {@code [batch, hidden]}. */
public enum Pooling {
  /** The mean over the tokens that the attention mask keeps. */
  MEAN,
  /** The first token's vector. */
  CLS,
  /** The base model's own pooler: a linear layer and tanh over the first token. */
  POOLER;

  /** The name used on the command line and in files. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The pooling of this name; empty if there is none. */
  public static Optional<Pooling> of(String text) {
    return Arrays.stream(values()).filter(pooling -> pooling.text().equals(text)).findFirst();
  }

  static Pooling parse(String text) {
    return of(text)
        .orElseThrow(() -> new IllegalArgumentException("'" + text + "' is not a pooling"));
  }
}
