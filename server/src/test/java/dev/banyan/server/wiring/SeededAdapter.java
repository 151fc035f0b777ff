package dev.banyan.server.wiring;

import dev.banyan.artifacts.adapter.AdapterMetadata;
import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * An adapter of a bundle with seeded numbers, of which every one matters to its answers.
 *
 * @param rank its rank
 * @param labels how many labels it has: {@code <seed>-0}, {@code <seed>-1}, ...
 * @param seed different seeds answer differently
 */
record SeededAdapter(int rank, int labels, long seed) {
  void write(BundleManifest manifest, Path directory) {
    write(manifest, directory, AdapterMetadata.entries(manifest, names()), 0.1f);
  }

  /** The same with one number that is none. */
  void writeWithNaN(BundleManifest manifest, Path directory) {
    write(manifest, directory, AdapterMetadata.entries(manifest, names()), Float.NaN);
  }

  /** The same, said to be trained on another base. */
  void writeForBase(Digest base, BundleManifest manifest, Path directory) {
    Map<String, String> metadata = new LinkedHashMap<>(AdapterMetadata.entries(manifest, names()));
    metadata.put("banyan.base", base.toString());
    write(manifest, directory, metadata, 0.1f);
  }

  List<String> names() {
    return IntStream.range(0, labels).mapToObj(label -> seed + "-" + label).toList();
  }

  private void write(
      BundleManifest manifest, Path directory, Map<String, String> metadata, float first) {
    Random random = new Random(seed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (ParameterSpec spec : manifest.parameters()) {
      Shape shape = spec.shape(rank, labels);
      float[] values = new float[Math.toIntExact(shape.elements())];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (0.2 * random.nextGaussian());
      }
      if (tensors.isEmpty()) {
        values[0] = first;
      }
      String key = key(manifest, spec);
      tensors.put(key, Tensor.ofFloats(key, stored(spec, shape), values));
    }
    LoraConfig config =
        new LoraConfig(
            rank,
            2.0 * rank,
            0,
            manifest.adapter().sites(),
            List.of("classifier"),
            false,
            "none",
            "SEQ_CLS",
            manifest.base().name());
    new PeftAdapter(config, new SafetensorsFile(metadata, tensors)).write(directory);
  }

  /** The numbers are random either way: only the shape is turned. */
  private static Shape stored(ParameterSpec spec, Shape shape) {
    return spec.layout().inFile(shape);
  }

  private static String key(BundleManifest manifest, ParameterSpec spec) {
    String prefix = manifest.adapter().peftPrefix();
    boolean bare = prefix.isEmpty() || spec.name().startsWith("classifier.");
    return "base_model.model." + (bare ? "" : prefix + ".") + spec.peftKey();
  }
}
