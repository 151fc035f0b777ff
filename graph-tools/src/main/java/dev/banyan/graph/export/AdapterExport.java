package dev.banyan.graph.export;

import dev.banyan.artifacts.adapter.AdapterConfig;
import dev.banyan.artifacts.adapter.OrtAdapterFile;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.adapter.SparseTensor;
import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.ServingPlan;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes one adapter in the form of another program. */
public final class AdapterExport {
  private static final String OURS = "banyan.";

  private final PeftAdapter adapter;

  /**
   * Reads the adapter.
   *
   * @throws dev.banyan.artifacts.integrity.ArtifactException if it cannot be used
   */
  public AdapterExport(Path folder) {
    adapter = PeftAdapter.read(folder);
  }

  /**
   * Writes ONNX Runtime's adapter file for a bundle's serving graph. Its tensors are the graph's
   * banks with one slot, so a run with this adapter active needs the text and {@code adapter_ids}
   * of zeros and nothing else. The scaling is folded in; layers that the adapter leaves alone are
   * zeros.
   *
   * @return number of tensors written
   * @throws dev.banyan.artifacts.integrity.ArtifactException if the adapter is of another base or
   *     adapts what the bundle does not
   */
  public int toOnnxAdapter(Path bundleFolder, Path out) {
    Bundle opened = Bundle.open(bundleFolder);
    BundleManifest bundle = opened.manifest();
    BaseValues base = BaseValues.of(opened);
    AdapterWeights weights = AdapterWeights.fit(adapter, opened, ServingPlan.anySize());
    List<Tensor> banks = new ArrayList<>();
    for (ParameterSpec spec : bundle.parameters()) {
      if (spec.isBanked()) {
        Tensor banked =
            weights
                .banked(spec, base)
                .orElseGet(() -> base.banked(spec, base.neutral(spec, weights.sizes())));
        banks.add(withSlot(spec.bankName(), banked));
        if (spec.isShared()) {
          banks.add(Tensor.ofLongs(spec.setName(), Shape.of(1), 0));
        }
        if (spec.isCounted()) {
          Tensor own = weights.tensors().get(spec.name());
          long count = own == null ? 0 : own.shape().dim(0);
          banks.add(Tensor.ofLongs(spec.countName(), Shape.of(1), count));
        }
      }
    }
    OrtAdapterFile.write(out, 1, 1, banks);
    return banks.size();
  }

  private static Tensor withSlot(String name, Tensor tensor) {
    List<Long> dims = new ArrayList<>(List.of(1L));
    dims.addAll(tensor.shape().dims());
    return new Tensor(name, tensor.type(), new Shape(dims), tensor.data());
  }

  /**
   * Writes a PEFT folder that has nothing of Banyan in it.
   *
   * @param type precision of the tensors: 32-bit, 16-bit or bfloat16 floating point
   * @param baseModel what to write as the base's name; if absent it stays
   * @return number of tensors written
   */
  public int toPeft(DType type, Optional<String> baseModel, Path out) {
    Map<String, String> metadata = new LinkedHashMap<>(adapter.weights().metadata());
    metadata.keySet().removeIf(key -> key.startsWith(OURS));
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    adapter
        .weights()
        .tensors()
        .forEach(
            (name, tensor) ->
                tensors.put(
                    name, SparseTensor.isIndices(name) ? tensor : tensor.widened().narrowed(type)));
    AdapterConfig config = adapter.config();
    AdapterConfig named = baseModel.map(config::withBaseModel).orElse(config);
    new PeftAdapter(named, new SafetensorsFile(metadata, tensors)).write(out);
    return tensors.size();
  }
}
