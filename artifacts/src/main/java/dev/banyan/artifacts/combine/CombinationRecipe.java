package dev.banyan.artifacts.combine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.JsonText;
import java.util.Locale;

/**
 * How adapters are combined.
 *
 * <pre>{@code
 * CombinationRecipe.of(CombinationType.TIES).withDensity(0.5)
 * }</pre>
 *
 * @param type the way
 * @param density the share of elements that stays, above 0 and at most 1; counts where the type
 *     leaves out any
 * @param sign how signs are elected; counts where the type elects them
 * @param svdRank the rank to get, 0 for the largest of the adapters'; counts where the type takes
 *     one
 * @param seed of what is drawn; counts where the type is random
 */
public record CombinationRecipe(
    CombinationType type, double density, MajoritySign sign, int svdRank, long seed) {
  /** The seed where none is given. */
  public static final long SEED = 42;

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if the density is not above 0 and at most 1, or the rank is
   *     negative
   */
  public CombinationRecipe {
    Sparsity.require(density);
    OfProducts.require(svdRank);
  }

  /** A way that keeps every element. */
  public static CombinationRecipe of(CombinationType type) {
    return new CombinationRecipe(type, 1, MajoritySign.TOTAL, 0, SEED);
  }

  /** The same at another density. */
  public CombinationRecipe withDensity(double other) {
    return new CombinationRecipe(type, other, sign, svdRank, seed);
  }

  /** The same with signs elected in another way. */
  public CombinationRecipe withSign(MajoritySign other) {
    return new CombinationRecipe(type, density, other, svdRank, seed);
  }

  /** The same at another rank. */
  public CombinationRecipe withSvdRank(int other) {
    return new CombinationRecipe(type, density, sign, other, seed);
  }

  /** The same with another seed. */
  public CombinationRecipe withSeed(long other) {
    return new CombinationRecipe(type, density, sign, svdRank, other);
  }

  Combination combination() {
    return type.with(this);
  }

  /** What counts for the type. */
  ObjectNode toJson() {
    ObjectNode json = JsonText.object().put("type", type.text());
    if (type.leavesOut()) {
      json.put("density", density);
    }
    if (type.electsSigns()) {
      json.put("majority_sign", sign.name().toLowerCase(Locale.ROOT));
    }
    if (type.isRandom()) {
      json.put("seed", seed);
    }
    return json;
  }
}
