package dev.banyan.artifacts.combine;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Adapters of rank one over one layer of one by two weights, with a head of one weight a label. */
final class TinyLora {
  static final String PREFIX = "base_model.model.";
  static final String LAYER = PREFIX + "encoder.query";
  static final String HEAD = PREFIX + "classifier.weight";

  final Map<String, Tensor> tensors = new LinkedHashMap<>();
  final Map<String, String> metadata = new LinkedHashMap<>();
  LoraConfig config =
      new LoraConfig(1, 2, 0, List.of("query"), List.of(), false, "none", "SEQ_CLS", "");

  /** A scaling of two and the product {@code [b * a0, b * a1]}. */
  static TinyLora of(float b, float a0, float a1) {
    return new TinyLora().with(LAYER, b, a0, a1);
  }

  TinyLora with(String layer, float b, float a0, float a1) {
    put(Tensor.ofFloats(layer + ".lora_A.weight", Shape.of(1, 2), a0, a1));
    return put(Tensor.ofFloats(layer + ".lora_B.weight", Shape.of(1, 1), b));
  }

  TinyLora put(Tensor tensor) {
    tensors.put(tensor.name(), tensor);
    return this;
  }

  TinyLora head(float... weights) {
    return put(Tensor.ofFloats(HEAD, Shape.of(weights.length, 1), weights));
  }

  TinyLora trainedFor(String task, String... labels) {
    metadata.put("banyan.task", task);
    ArrayNode names = JsonText.object().putArray("labels");
    List.of(labels).forEach(names::add);
    metadata.put("banyan.labels", names.toString());
    return this;
  }

  TinyLora on(int base) {
    metadata.put("banyan.base", Digest.of(new byte[] {(byte) base}).toString());
    return this;
  }

  TinyLora note(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  TinyLora configured(LoraConfig other) {
    config = other;
    return this;
  }

  PeftAdapter adapter() {
    return new PeftAdapter(config, new SafetensorsFile(metadata, tensors));
  }
}
