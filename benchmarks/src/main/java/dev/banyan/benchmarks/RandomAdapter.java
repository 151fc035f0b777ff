package dev.banyan.benchmarks;

import dev.banyan.artifacts.adapter.AdapterMetadata;
import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * An adapter of which no number is zero, as if it were trained.
 *
 * @param rank LoRA's rank
 * @param labels number of labels
 * @param seed different seeds give different adapters
 */
record RandomAdapter(int rank, int labels, long seed) {
  /** The adapter for every site of a bundle. */
  PeftAdapter of(BundleManifest bundle) {
    Random random = new Random(seed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (ParameterSpec spec : bundle.parameters()) {
      Shape shape = spec.shape(rank, labels);
      float[] values = new float[Math.toIntExact(shape.elements())];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (0.02 * random.nextGaussian());
      }
      Shape stored = spec.layout().inFile(shape);
      String key = key(bundle, spec);
      tensors.put(key, Tensor.ofFloats(key, stored, values));
    }
    List<String> names = IntStream.range(0, labels).mapToObj(label -> "label " + label).toList();
    Map<String, String> metadata = AdapterMetadata.entries(bundle, names);
    return new PeftAdapter(config(bundle), new SafetensorsFile(metadata, tensors));
  }

  private LoraConfig config(BundleManifest bundle) {
    return new LoraConfig(
        rank,
        2.0 * rank,
        0,
        bundle.adapter().sites(),
        List.of("classifier"),
        false,
        "none",
        "SEQ_CLS",
        bundle.base().name());
  }

  private static String key(BundleManifest bundle, ParameterSpec spec) {
    String prefix = bundle.adapter().peftPrefix();
    boolean bare = prefix.isEmpty() || spec.name().startsWith("classifier.");
    return "base_model.model." + (bare ? "" : prefix + ".") + spec.peftKey();
  }
}
