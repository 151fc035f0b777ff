package dev.banyan.runtime.report;

import java.util.Locale;

/** What a score is about. */
public enum Metric {
  /** Share of right answers, 0 to 1. */
  ACCURACY("accuracy"),
  /** Mean over the labels of each label's F1. */
  MACRO_F1("macro-F1"),
  /** F1 over all decisions, whatever their label. */
  MICRO_F1("micro-F1"),
  /** Share of texts whose set of labels is right as a whole. */
  EXACT_MATCH("exact match"),
  /** F1 of entities, right only if their first word, last word and kind are. */
  ENTITY_F1("entity-F1"),
  /** Pearson's correlation, -1 to 1. */
  PEARSON("Pearson"),
  /** Spearman's correlation of ranks, -1 to 1. */
  SPEARMAN("Spearman"),
  /** Mean squared error: the lower the better. */
  MSE("mean squared error"),
  /** The exponential of the mean loss of a token, from 1: the lower the better. */
  PERPLEXITY("perplexity");

  private final String title;

  Metric(String title) {
    this.title = title;
  }

  /** The name as people read it. */
  public String title() {
    return title;
  }

  /** The key in JSON. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether one value is better than another. */
  boolean better(double value, double other) {
    return (this == MSE || this == PERPLEXITY) ? value < other : value > other;
  }
}
