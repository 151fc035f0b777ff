package dev.banyan.runtime.inference;

import dev.banyan.artifacts.adapter.AdapterMetadata;
import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.TinyBundle;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** Random adapters for the tiny bundle. */
public final class TinyAdapters {
  static final String A = "base_model.model.encoder.dense.lora_A.weight";
  static final String B = "base_model.model.encoder.dense.lora_B.weight";
  static final String HEAD = "base_model.model.classifier.weight";
  static final String BIAS = "base_model.model.classifier.bias";

  private TinyAdapters() {}

  /** An adapter of this rank with so many labels. */
  public static PeftAdapter random(int rank, int labels, long seed) {
    return changed(rank, labels, seed, tensors -> {});
  }

  /** The same after something was done to its tensors. */
  static PeftAdapter changed(
      int rank, int labels, long seed, Consumer<Map<String, Tensor>> change) {
    Random random = new Random(seed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    put(tensors, A, Shape.of(rank, 16), random);
    put(tensors, B, Shape.of(16, rank), random);
    put(tensors, HEAD, Shape.of(labels, 16), random);
    put(tensors, BIAS, Shape.of(labels), random);
    change.accept(tensors);
    List<String> names = IntStream.range(0, labels).mapToObj(i -> "label " + i).toList();
    LoraConfig config =
        new LoraConfig(
            rank,
            2.0 * rank,
            0,
            List.of("dense"),
            List.of("classifier"),
            false,
            "none",
            "SEQ_CLS",
            "tiny");
    return new PeftAdapter(
        config,
        new SafetensorsFile(AdapterMetadata.entries(TinyBundle.manifest(), names), tensors));
  }

  /** The same adapter as if PEFT had written it: nothing of ours in the header. */
  static PeftAdapter bare(PeftAdapter adapter) {
    return new PeftAdapter(
        adapter.config(), new SafetensorsFile(Map.of("format", "pt"), adapter.weights().tensors()));
  }

  static void put(Map<String, Tensor> tensors, String name, Shape shape, Random random) {
    float[] values = new float[Math.toIntExact(shape.elements())];
    for (int i = 0; i < values.length; i++) {
      // Small, so that answers are of the size that trained heads give.
      values[i] = (float) (0.2 * random.nextGaussian());
    }
    tensors.put(name, Tensor.ofFloats(name, shape, values));
  }
}
