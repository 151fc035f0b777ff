package dev.banyan.runtime.training;

import dev.banyan.artifacts.adapter.AdapterConfig;
import dev.banyan.artifacts.adapter.AdapterMetadata;
import dev.banyan.artifacts.adapter.PackedParts;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.adapter.SparseTensor;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.Neutral;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.data.LabelSet;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Turns trained parameters into a PEFT adapter and puts it in its place.
 *
 * @param manifest the bundle that was trained
 * @param ranks the rank of each layer
 * @param config the adapter's configuration
 * @param labels names by class id; empty where the task has none
 * @param folder where the adapter goes
 */
record AdapterOutput(
    BundleManifest manifest,
    LayerRanks ranks,
    AdapterConfig config,
    List<String> labels,
    Path folder) {
  private static final String HEAD = "classifier";

  /**
   * The output of a run.
   *
   * @throws TrainingFailure.OneKeyTwice if a file cannot hold all that the bundle trains
   */
  static AdapterOutput of(
      BundleManifest manifest, TrainingPlan plan, Optional<LabelSet> labels, Path folder) {
    LayerRanks ranks = LayerRanks.of(plan.adapter(), manifest.adapter());
    List<String> saved = modulesToSave(manifest, labels.isPresent());
    AdapterConfig config = new AdapterDescription(manifest, plan.adapter(), ranks, saved).config();
    requireOwnKeys(manifest, config);
    return new AdapterOutput(
        manifest, ranks, config, labels.map(LabelSet::names).orElse(List.of()), folder);
  }

  private static void requireOwnKeys(BundleManifest manifest, AdapterConfig config) {
    Map<String, ParameterSpec> byKey = new HashMap<>();
    for (ParameterSpec spec : manifest.parameters()) {
      String key = spec.isOfModel() ? config.key(spec) : spec.peftKey();
      ParameterSpec other = spec.isSaved() ? byKey.put(key, spec) : null;
      if (other != null) {
        throw new TrainingFailure.OneKeyTwice(key, method(other), method(spec));
      }
    }
  }

  private static String method(ParameterSpec spec) {
    return spec.method().map(MethodName::text).orElse("");
  }

  private static List<String> modulesToSave(BundleManifest manifest, boolean hasHead) {
    List<String> modules = new ArrayList<>(manifest.adapter().modulesToSave());
    if (hasHead) {
      modules.add(HEAD);
    }
    return modules;
  }

  /**
   * Checks before a run that its adapter will have a place.
   *
   * @throws TrainingFailure.OutputTaken if something else is there
   */
  static void requireFree(Path folder) {
    if (!Files.exists(folder) || Files.isRegularFile(folder.resolve(PeftAdapter.CONFIG))) {
      return;
    }
    if (Files.isDirectory(folder)) {
      try (var entries = Files.list(folder)) {
        if (entries.findAny().isEmpty()) {
          return;
        }
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot list " + folder, e);
      }
    }
    throw new TrainingFailure.OutputTaken(folder);
  }

  /**
   * Writes the adapter as a whole.
   *
   * @throws TrainingFailure.UselessAdapter if a number is not finite, or nothing was learned
   */
  Digest write(List<Tensor> parameters) {
    PeftAdapter adapter = adapter(parameters);
    adapter.write(folder);
    return adapter.digest();
  }

  private PeftAdapter adapter(List<Tensor> parameters) {
    Map<String, Tensor> byName =
        parameters.stream().collect(Collectors.toMap(Tensor::name, Function.identity()));
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    boolean telling = false;
    boolean learned = false;
    for (ParameterSpec spec : ranks.present(manifest.parameters())) {
      Tensor trained = byName.get(spec.name());
      if (trained == null) {
        throw new TrainingFailure.UselessAdapter(spec.name(), "is not in the checkpoint");
      }
      if (spec.isSaved() && config.saves(spec)) {
        Tensor tensor = ranks.own(spec, trained);
        requireFinite(spec, tensor.floats());
        Optional<Tensor> start =
            StartFactors.startOf(spec, manifest.parameters())
                .map(of -> ranks.own(of, Objects.requireNonNull(byName.get(of.name()))));
        telling |= start.isPresent() || Neutral.isTelling(spec);
        learned |=
            start
                .map(from -> !StartFactors.isAtStart(tensor, from))
                .orElse(Neutral.isTelling(spec) && !Neutral.is(spec, tensor));
        Tensor kept = start.map(from -> StartFactors.withStart(spec, tensor, from)).orElse(tensor);
        String key = key(spec);
        put(tensors, spec.layout().toFile(kept).named(key));
      }
    }
    if (telling && !learned) {
      throw new TrainingFailure.UselessAdapter("adapter", "is as at its start in every layer");
    }
    PeftAdapter adapter =
        new PeftAdapter(
            config, new SafetensorsFile(AdapterMetadata.entries(manifest, labels), tensors));
    return new PackedParts(manifest.parameters()).pack(adapter);
  }

  private static void put(Map<String, Tensor> tensors, Tensor tensor) {
    if (!SparseTensor.isDeltas(tensor.name())) {
      tensors.put(tensor.name(), tensor);
      return;
    }
    SparseTensor sparse = SparseTensor.of(tensor);
    tensors.put(sparse.indices().name(), sparse.indices());
    tensors.put(sparse.deltas().name(), sparse.deltas());
  }

  private String key(ParameterSpec spec) {
    if (spec.isOfModel()) {
      return config.key(spec);
    }
    if (spec.isShared()) {
      return spec.peftKey();
    }
    String prefix = manifest.adapter().peftPrefix();
    boolean bare = prefix.isEmpty() || spec.name().startsWith(HEAD + ".");
    return config.wrapper() + (bare ? "" : prefix + ".") + spec.peftKey();
  }

  private static void requireFinite(ParameterSpec spec, float[] values) {
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new TrainingFailure.UselessAdapter(spec.name(), "has the value " + value);
      }
    }
  }
}
