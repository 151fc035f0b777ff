package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The description of an adapter, {@code adapter_config.json}: one record a method, with the keys
 * that PEFT has for it.
 */
public sealed interface AdapterConfig
    permits LoraConfig,
        LycorisConfig,
        MissConfig,
        VeraConfig,
        Ia3Config,
        VirtualTokensConfig,
        LnTuningConfig,
        OwnConfig {
  /** What every adapter has. */
  CommonConfig common();

  /** The methods whose parameters the adapter has. */
  List<MethodName> methods();

  /**
   * A size that the adapter has chosen; empty if it has no such size.
   *
   * @param module the path of a layer, as layers may differ
   */
  default OptionalInt size(Size size, String module) {
    return OptionalInt.empty();
  }

  /** What describes one of its methods: in an adapter of several, a part. */
  default AdapterConfig partOf(MethodName method) {
    return this;
  }

  /** What describes the method of a parameter. */
  default AdapterConfig partOf(ParameterSpec spec) {
    return spec.method().map(method -> partOf(method.storedAs())).orElse(this);
  }

  /** What the parameters that have a scaling are multiplied by in a layer; 1 where none has. */
  default double scaling(MethodName method, String module) {
    return 1;
  }

  /** What of the configuration changes answers, as a text of which the adapter's digest is made. */
  String identity();

  /** The same over a base of another name. */
  AdapterConfig withBaseModel(String name);

  /** The keys of the file. */
  ObjectNode json();

  /**
   * The tensors of the file as servers have them: what it has as a product is multiplied.
   *
   * @param tensors by name, float
   */
  default Map<String, Tensor> whole(Map<String, Tensor> tensors) {
    return tensors;
  }

  /** How a bundle has to be prepared whose layers have parameters of the adapter's shapes. */
  default Optional<String> bundleFor(MethodName method) {
    return Optional.empty();
  }

  /**
   * A tensor of the file as it is where its method is written out in full: what a file keeps of a
   * repetition is repeated.
   *
   * @param spec the parameter that it is
   */
  default Tensor whole(ParameterSpec spec, Tensor tensor) {
    return tensor;
  }

  /** Whether the file has a parameter that adapters of its methods can have. */
  default boolean saves(ParameterSpec spec) {
    return true;
  }

  /** The part that is of the method VeRA. */
  default Optional<VeraConfig> vera() {
    return Optional.empty();
  }

  /** What the key of a weight of the model begins with, before the path of its module. */
  default String wrapper() {
    return "base_model.model.";
  }

  /** The key of a parameter that is of no module. */
  default String key(ParameterSpec ofModel) {
    return ofModel.peftKey();
  }

  /** Which biases of the base the adapter has, in PEFT's words. */
  default String bias() {
    return "none";
  }

  /** {@code target_modules}. */
  default List<String> targetModules() {
    return common().targetModules();
  }

  /** {@code modules_to_save}. */
  default List<String> modulesToSave() {
    return common().modulesToSave();
  }

  /** {@code task_type}; empty for none. */
  default String taskType() {
    return common().taskType();
  }

  /** {@code base_model_name_or_path}; empty for none. */
  default String baseModel() {
    return common().baseModel();
  }
}
