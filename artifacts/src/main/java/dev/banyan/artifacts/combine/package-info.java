/**
 * Makes one LoRA adapter of several, as PEFT's {@code add_weighted_adapter} does.
 *
 * <p>{@link dev.banyan.artifacts.combine.AdapterCombination} is the whole of it: adapters with
 * weights, a {@link dev.banyan.artifacts.combine.CombinationRecipe} for their layers and a {@link
 * dev.banyan.artifacts.combine.HeadChoice} for what they hold whole.
 *
 * <p>A recipe's {@link dev.banyan.artifacts.combine.CombinationType}, which has PEFT's names, is
 * made of two things. A {@link dev.banyan.artifacts.combine.Combination} works on the two factors
 * of each layer by themselves ({@code OfFactors}), on their product, which a singular value
 * decomposition takes apart again ({@code OfProducts}), or sets the factors side by side ({@code
 * Concatenation}). The first two leave it to a {@link dev.banyan.artifacts.combine.MixRule} how
 * tensors of one shape become one.
 *
 * {@snippet :
 * CombinedAdapter both =
 *     new AdapterCombination(
 *             List.of(new WeightedAdapter("a", a, 0.7), new WeightedAdapter("b", b, 0.3)),
 *             CombinationRecipe.of(CombinationType.TIES).withDensity(0.5),
 *             new HeadChoice.MeanOfKnown())
 *         .combine();
 * both.adapter().write(Path.of("adapters/acme/both"));
 * }
 */
@NullMarked
package dev.banyan.artifacts.combine;

import org.jspecify.annotations.NullMarked;
