package dev.banyan.artifacts.combine;

import dev.banyan.artifacts.integrity.UnusableArtifact;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.ejml.data.DMatrixRMaj;

/**
 * A rule applied to A and to B, each by itself: PEFT's {@code linear}, {@code ties}, {@code
 * dare_linear}, {@code dare_ties} and {@code magnitude_prune}. Cheap, and not the sum of the
 * products: parts of one adapter's A meet parts of another's B.
 *
 * <p>Each factor counts with the root of weight times scaling, so that the product of one adapter
 * has them once; a negative weight turns A alone.
 *
 * @param rule how factors become one
 */
record OfFactors(MixRule rule) implements Combination {
  @Override
  public int rank(List<Integer> ranks) {
    return ranks.stream().mapToInt(Integer::intValue).max().orElse(0);
  }

  @Override
  public Factors combine(LayerTerms layer, int rank, RandomMasks masks) {
    Factors first = layer.terms().getFirst().factors();
    for (LayerTerms.Term term : layer.terms()) {
      if (term.factors().rank() != first.rank()) {
        throw new UnusableArtifact(
            "adapters",
            "'%s' has rank %d in one and rank %d in another, whose factors cannot be added"
                .formatted(layer.keys().module(), first.rank(), term.factors().rank()),
            "take a type that combines products: cat, or one that ends in svd");
      }
    }
    List<MixRule.Weighted> ofA = new ArrayList<>();
    List<MixRule.Weighted> ofB = new ArrayList<>();
    for (LayerTerms.Term term : layer.terms()) {
      double weight = term.weightWithScaling();
      double root = Math.sqrt(Math.abs(weight));
      ofA.add(weighted(layer.keys().ofA(), term, weight < 0 ? -root : root, Factors::a));
      ofB.add(weighted(layer.keys().ofB(), term, root, Factors::b));
    }
    DMatrixRMaj a = DMatrixRMaj.wrap(first.rank(), first.columns(), rule.mix(ofA, masks));
    DMatrixRMaj b = DMatrixRMaj.wrap(first.rows(), first.rank(), rule.mix(ofB, masks));
    return new Factors(a, b).padded(rank);
  }

  private static MixRule.Weighted weighted(
      String key, LayerTerms.Term term, double weight, Function<Factors, DMatrixRMaj> factor) {
    RandomMasks.Place place = new RandomMasks.Place(key, term.adapter());
    return new MixRule.Weighted(place, weight, factor.apply(term.factors()));
  }
}
