package dev.banyan.artifacts.combine;

import java.util.Locale;

/** PEFT's names for the ways to combine adapters. */
public enum CombinationType {
  /** The weighted sum of the factors. */
  LINEAR(Kind.FACTORS, Rule.SUM),
  /** The factors side by side: the weighted sum of the products, at the sum of the ranks. */
  CAT(Kind.SIDE_BY_SIDE, Rule.SUM),
  /** The weighted sum of the products, at the nearest of a rank. */
  SVD(Kind.PRODUCTS, Rule.SUM),
  /** TIES on the factors. */
  TIES(Kind.FACTORS, Rule.TIES),
  /** TIES on the products. */
  TIES_SVD(Kind.PRODUCTS, Rule.TIES),
  /** DARE on the factors. */
  DARE_LINEAR(Kind.FACTORS, Rule.DARE),
  /** DARE on the products. */
  DARE_LINEAR_SVD(Kind.PRODUCTS, Rule.DARE),
  /** DARE with elected signs on the factors. */
  DARE_TIES(Kind.FACTORS, Rule.DARE_TIES),
  /** DARE with elected signs on the products. */
  DARE_TIES_SVD(Kind.PRODUCTS, Rule.DARE_TIES),
  /** The largest elements of the factors. */
  MAGNITUDE_PRUNE(Kind.FACTORS, Rule.PRUNE),
  /** The largest elements of the products. */
  MAGNITUDE_PRUNE_SVD(Kind.PRODUCTS, Rule.PRUNE);

  private enum Kind {
    FACTORS,
    SIDE_BY_SIDE,
    PRODUCTS
  }

  private enum Rule {
    SUM,
    PRUNE,
    TIES,
    DARE,
    DARE_TIES
  }

  private final Kind kind;
  private final Rule rule;

  CombinationType(Kind kind, Rule rule) {
    this.kind = kind;
    this.rule = rule;
  }

  /** PEFT's {@code combination_type}. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether elements are left out, so that a density is needed. */
  public boolean leavesOut() {
    return rule != Rule.SUM;
  }

  /** Whether signs are elected. */
  public boolean electsSigns() {
    return rule == Rule.TIES || rule == Rule.DARE_TIES;
  }

  /** Whether elements are left out at random, so that a seed is needed. */
  public boolean isRandom() {
    return rule == Rule.DARE || rule == Rule.DARE_TIES;
  }

  /** Whether the rank may be chosen. */
  public boolean takesRank() {
    return kind == Kind.PRODUCTS;
  }

  Combination with(CombinationRecipe recipe) {
    return switch (kind) {
      case FACTORS -> new OfFactors(rule(recipe));
      case SIDE_BY_SIDE -> new Concatenation();
      case PRODUCTS -> new OfProducts(rule(recipe), recipe.svdRank());
    };
  }

  private MixRule rule(CombinationRecipe recipe) {
    return switch (rule) {
      case SUM -> new WeightedSum();
      case PRUNE -> new MagnitudePruning(recipe.density());
      case TIES -> new Ties(recipe.density(), recipe.sign());
      case DARE -> new DareLinear(recipe.density());
      case DARE_TIES -> new DareTies(recipe.density(), recipe.sign());
    };
  }
}
