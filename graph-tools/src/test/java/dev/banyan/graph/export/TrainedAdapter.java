package dev.banyan.graph.export;

import dev.banyan.artifacts.adapter.AdapterMetadata;
import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/** Adapters with random numbers, of the size that training leaves behind, as folders. */
final class TrainedAdapter {
  static final int RANK = 3;

  private TrainedAdapter() {}

  /**
   * Writes an adapter.
   *
   * @param sites which parameters it has
   * @param deviation of its numbers; 0 for one that was never trained
   */
  static Path write(
      BundleManifest bundle,
      List<String> labels,
      Predicate<String> sites,
      double deviation,
      Path folder) {
    SplittableRandom random = new SplittableRandom(11);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (ParameterSpec spec : bundle.parameters()) {
      if (sites.test(spec.name())) {
        Shape shape = spec.shape(RANK, labels.size());
        float[] values = new float[Math.toIntExact(shape.elements())];
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) (deviation * random.nextGaussian());
        }
        String key = "base_model.model." + spec.peftKey();
        Tensor tensor = Tensor.ofFloats(key, shape, values);
        tensors.put(key, spec.layout().toFile(tensor));
      }
    }
    LoraConfig config =
        new LoraConfig(
            RANK,
            4,
            0,
            bundle.adapter().sites(),
            List.of(),
            false,
            "none",
            "FEATURE_EXTRACTION",
            "base");
    new PeftAdapter(config, new SafetensorsFile(AdapterMetadata.entries(bundle, labels), tensors))
        .write(folder);
    return folder;
  }
}
