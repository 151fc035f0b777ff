package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Projection;
import dev.banyan.artifacts.bundle.Size;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * PEFT's description of a VeRA adapter, {@code peft_type} {@code VERA}.
 *
 * @param common what every adapter has
 * @param rank {@code r}: the rank of the shared pair
 * @param key {@code projection_prng_key}: what the shared pair is drawn from
 * @param savesProjection {@code save_projection}: whether the file has the shared pair too
 * @param initial {@code d_initial}: where the vector between the two starts
 * @param bias {@code bias}: {@code none}, {@code all}, or {@code lora_only} for what PEFT calls
 *     {@code vera_only} here
 */
public record VeraConfig(
    CommonConfig common, int rank, long key, boolean savesProjection, double initial, String bias)
    implements AdapterConfig {
  private static final String SAVED = "save_projection";
  private static final String BIASES = "vera_only";

  static VeraConfig parse(ConfigJson json) {
    int rank = json.takeCount("r", 256);
    double key = json.takeNumber(Projection.KEY, 0);
    if (key != Math.rint(key) || Math.abs(key) > 1L << 53) {
      throw json.corrupt(Projection.KEY, key, "a whole number");
    }
    boolean saved = json.takeFlag(SAVED, true);
    double initial = json.takeNumber(Projection.INITIAL, 0.1);
    String bias = json.takeBias(BIASES);
    return new VeraConfig(json.takeCommon(), rank, (long) key, saved, initial, bias);
  }

  @Override
  public List<MethodName> methods() {
    return List.of(MethodName.VERA);
  }

  @Override
  public OptionalInt size(Size size, String module) {
    return size == Size.PROJECTION ? OptionalInt.of(rank) : OptionalInt.empty();
  }

  @Override
  public boolean saves(ParameterSpec spec) {
    return savesProjection || !spec.isShared();
  }

  @Override
  public Optional<VeraConfig> vera() {
    return Optional.of(this);
  }

  /** What is not in the file is part of what the adapter is. */
  @Override
  public String identity() {
    return "vera " + rank + (savesProjection ? "" : " " + key);
  }

  @Override
  public VeraConfig withBaseModel(String name) {
    return new VeraConfig(common.withBaseModel(name), rank, key, savesProjection, initial, bias);
  }

  @Override
  public ObjectNode json() {
    ObjectNode json = ConfigOutput.write("VERA", common);
    json.put("r", rank).put(Projection.KEY, key).put(SAVED, savesProjection);
    ConfigOutput.putNumber(json, Projection.INITIAL, initial);
    ConfigOutput.putBias(json, bias, BIASES);
    json.put("vera_dropout", 0.0).put("fan_in_fan_out", false).put("init_weights", true);
    json.putNull("layers_to_transform");
    json.setAll(common.other());
    return json;
  }
}
