package dev.banyan.runtime.inference;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An adapter made to fit a bundle's slots: tensors by parameter name, in the graph's orientation,
 * with alpha/rank multiplied in. A layer that the bundle can adapt and the adapter does not is
 * absent, which a slot has as zeros.
 *
 * @param digest the adapter's identity
 * @param task what it was trained for, as far as it says so; else what the bundle is for
 * @param labels names by class id; empty for an adapter without a head
 * @param sizes of each size the largest value that it has in a layer; 1 if it has no such size
 * @param tensors float tensors by parameter name; and by the name of a bank what that holds, where
 *     it depends on more than the parameter
 */
public record AdapterWeights(
    Digest digest, Task task, List<String> labels, Sizes sizes, Map<String, Tensor> tensors) {
  /** Copies the collections. */
  public AdapterWeights {
    labels = List.copyOf(labels);
    tensors = Map.copyOf(tensors);
  }

  /** The highest rank of a layer. */
  public int rank() {
    return sizes.of(Size.RANK);
  }

  /**
   * What a bank holds of the adapter; empty if it has no such parameter.
   *
   * @param base the bundle's
   */
  public Optional<Tensor> banked(ParameterSpec spec, BaseValues base) {
    Tensor ready = tensors.get(spec.bankName());
    return Optional.ofNullable(ready)
        .or(
            () ->
                Optional.ofNullable(tensors.get(spec.name()))
                    .map(tensor -> base.banked(spec, tensor)));
  }

  /**
   * Checks an adapter against a bundle and the room there is, and converts it.
   *
   * @throws dev.banyan.artifacts.integrity.WrongBase if it was trained on another base
   * @throws dev.banyan.artifacts.integrity.UnusableArtifact if its task is not one of the bundle's
   *     kind, it is of a method that the bundle is not prepared for, a size of it is beyond the
   *     limits, a number is not finite, or it adapts what the bundle does not
   */
  public static AdapterWeights fit(PeftAdapter adapter, Bundle bundle, ServingPlan limits) {
    AdapterFitting fitting = new AdapterFitting(adapter.widened(), bundle.manifest(), limits);
    return new OverBase(bundle).complete(fitting.fit(adapter.digest()), fitting.starts());
  }

  /** The same without what depends on the base's weights. */
  static AdapterWeights fit(PeftAdapter adapter, BundleManifest bundle, ServingPlan limits) {
    return new AdapterFitting(adapter.widened(), bundle, limits).fit(adapter.digest());
  }
}
