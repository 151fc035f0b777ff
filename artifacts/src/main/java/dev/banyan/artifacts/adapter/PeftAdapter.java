package dev.banyan.artifacts.adapter;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.integrity.AtomicFiles;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.MappedFile;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * An adapter as Hugging Face PEFT keeps it: a folder with {@code adapter_config.json} and {@code
 * adapter_model.safetensors}. Keys and layout are PEFT's own: {@code base_model.model.<module
 * path>.lora_A.weight} is {@code [rank, in]}, {@code lora_B.weight} is {@code [out, rank]}.
 *
 * @param config the configuration
 * @param weights the tensors and their metadata
 */
public record PeftAdapter(AdapterConfig config, SafetensorsFile weights) {
  /** The file of the configuration. */
  public static final String CONFIG = "adapter_config.json";

  /** The file of the tensors. */
  public static final String WEIGHTS = "adapter_model.safetensors";

  static final String FRAMEWORK = "format";

  private static final String PICKLE = "adapter_model.bin";

  /**
   * Reads a folder. The tensors are copies, so that the folder may be replaced at any time by
   * anyone.
   *
   * @throws UnusableArtifact if the folder is not an adapter, holds a pickle, or uses a setting
   *     that Banyan does not support, which is named
   * @throws CorruptArtifact if a file is damaged
   */
  public static PeftAdapter read(Path dir) {
    Path configFile = dir.resolve(CONFIG);
    Path weightsFile = dir.resolve(WEIGHTS);
    if (!Files.isRegularFile(configFile)) {
      throw new UnusableArtifact(
          dir.toString(), "no " + CONFIG + " in it", "name a folder that PEFT or Banyan saved");
    }
    if (!Files.isRegularFile(weightsFile)) {
      throw Files.exists(dir.resolve(PICKLE))
          ? new UnusableArtifact(
              dir.toString(),
              PICKLE + " is a pickle, which can run any program when it is read",
              "save the adapter again with safe_serialization=True")
          : new UnusableArtifact(
              dir.toString(), "no " + WEIGHTS + " in it", "copy the whole adapter folder");
    }
    byte[] json = MappedFile.copy(configFile).toArray(ValueLayout.JAVA_BYTE);
    AdapterConfig config = ConfigJson.parse(configFile.toString(), json);
    SafetensorsFile weights =
        SafetensorsFile.parse(weightsFile.toString(), MappedFile.copy(weightsFile));
    return new PeftAdapter(config, weights);
  }

  /**
   * Whether a tensor is one of those copies that PEFT writes beside the values: with {@code bias =
   * "all"} the biases of saved modules, under the names of its own wrapper, and with adapted {@code
   * embed_tokens} or {@code lm_head} the base's own table.
   */
  public static boolean isCopy(String tensor) {
    return tensor.contains(".original_module.")
        || tensor.contains(".modules_to_save.")
        || tensor.endsWith(".embed_tokens.base_layer.weight")
        || tensor.endsWith(".lm_head.base_layer.weight");
  }

  /** What Banyan notes beside the tensors; empty entries in an adapter that PEFT wrote. */
  public AdapterMetadata metadata() {
    return new AdapterMetadata(WEIGHTS, weights.metadata());
  }

  /**
   * The configuration of an adapter that is LoRA's.
   *
   * @throws UnusableArtifact if it is of another method
   */
  public LoraConfig lora() {
    if (config instanceof LoraConfig lora && !lora.dora()) {
      lora.start()
          .ifPresent(
              start -> {
                throw new UnusableArtifact(
                    "adapter",
                    "it counts from factors of the base's weights (init_lora_weights is '%s')"
                        .formatted(start.text()),
                    "let PEFT convert it to a plain one (path_initial_model_for_weight_conversion)");
              });
      return lora;
    }
    throw new UnusableArtifact(
        "adapter",
        "it is %s, and LoRA is needed here"
            .formatted(config.methods().stream().map(MethodName::text).toList()),
        "name a LoRA adapter");
  }

  /** The same adapter with 32-bit tensors, whatever precision the file has; places stay whole. */
  public PeftAdapter widened() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    weights
        .tensors()
        .forEach(
            (name, tensor) ->
                tensors.put(name, SparseTensor.isIndices(name) ? tensor : tensor.widened()));
    return new PeftAdapter(config, new SafetensorsFile(weights.metadata(), tensors));
  }

  /**
   * Writes the folder as a whole, replacing an adapter that is there.
   *
   * @throws UnusableArtifact if something is there that is neither an adapter nor an empty folder
   * @throws UncheckedIOException if the disk fails; an older adapter is then still there
   */
  public void write(Path dir) {
    if (Files.exists(dir) && !Files.isRegularFile(dir.resolve(CONFIG)) && !isEmptyFolder(dir)) {
      throw new UnusableArtifact(
          dir.toString(),
          "exists and is not an adapter, so it is not replaced",
          "remove it or choose another folder");
    }
    Path staged = AtomicFiles.stageDirectory(dir);
    try {
      writeFiles(staged);
      AtomicFiles.replaceDirectory(dir, staged);
    } finally {
      AtomicFiles.deleteTree(staged);
    }
  }

  /**
   * Writes the two files into a folder that the caller puts in place, with files of its own.
   *
   * @throws UncheckedIOException if the disk fails
   */
  public void writeFiles(Path folder) {
    Map<String, String> metadata = new LinkedHashMap<>(weights.metadata());
    // Transformers asks for the framework by this key.
    metadata.putIfAbsent(FRAMEWORK, "pt");
    new SafetensorsFile(metadata, weights.tensors()).write(folder.resolve(WEIGHTS));
    AtomicFiles.write(folder.resolve(CONFIG), JsonText.bytes(config.json()));
  }

  private static boolean isEmptyFolder(Path path) {
    if (!Files.isDirectory(path)) {
      return false;
    }
    try (Stream<Path> children = Files.list(path)) {
      return children.findAny().isEmpty();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot list " + path, e);
    }
  }

  /**
   * The adapter's version by its content: tensors, metadata (with the base's digest) and what of
   * the configuration changes answers. The order of tensors in the file does not count.
   */
  public Digest digest() {
    Digest.Builder digest = Digest.builder().add("banyan adapter 1");
    digest.add(config.identity());
    Map<String, String> metadata = new TreeMap<>(weights.metadata());
    // Written for others' sake, and only once the adapter is saved.
    metadata.remove(FRAMEWORK);
    metadata.forEach((key, value) -> digest.add(key).add(value));
    new TreeMap<>(weights.tensors())
        .forEach(
            (name, tensor) -> {
              MemorySegment data = tensor.data();
              digest.add(name).add(tensor.type().name()).add(tensor.shape().toString()).add(data);
            });
    return digest.build();
  }
}
