package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.List;
import java.util.OptionalInt;

/**
 * PEFT's description of a MiSS adapter, {@code peft_type} {@code MISS}.
 *
 * @param common what every adapter has
 * @param rank {@code r}: the number of rows of each block
 * @param bias {@code bias}: {@code none}, {@code all}, or {@code lora_only} for what PEFT calls
 *     {@code MiSS_only} here
 * @param mini whether {@code init_weights} is {@code mini}: a block has only its first {@code
 *     mini_r} columns, which repeat
 */
public record MissConfig(CommonConfig common, int rank, String bias, boolean mini)
    implements AdapterConfig {
  private static final String INIT = "init_weights";
  private static final String BIASES = "MiSS_only";

  static MissConfig parse(ConfigJson json) {
    // Each column of a "bat" block changes the weight by a product with the weight itself.
    json.refuseIf(INIT, "bat");
    boolean mini = json.has(INIT, "mini");
    int rank = json.takeCount("r", 64);
    String bias = json.takeBias(BIASES);
    return new MissConfig(json.takeCommon(), rank, bias, mini);
  }

  @Override
  public List<MethodName> methods() {
    return List.of(MethodName.MISS);
  }

  @Override
  public OptionalInt size(Size size, String module) {
    return size == Size.RANK ? OptionalInt.of(rank) : OptionalInt.empty();
  }

  @Override
  public Tensor whole(ParameterSpec spec, Tensor tensor) {
    if (!mini || !spec.repeats() || tensor.shape().rank() != 2) {
      return tensor;
    }
    long out = Long.parseLong(spec.dims().getLast());
    if (out % tensor.shape().dim(1) != 0) {
      return tensor;
    }
    float[] few = tensor.floats();
    int columns = Math.toIntExact(tensor.shape().dim(1));
    int all = Math.toIntExact(out);
    float[] values = new float[few.length / columns * all];
    for (int i = 0; i < values.length; i++) {
      values[i] = few[i / all * columns + i % all % columns];
    }
    return Tensor.ofFloats(tensor.name(), Shape.of(tensor.shape().dim(0), all), values);
  }

  @Override
  public String identity() {
    return "miss " + rank;
  }

  @Override
  public MissConfig withBaseModel(String name) {
    return new MissConfig(common.withBaseModel(name), rank, bias, mini);
  }

  @Override
  public ObjectNode json() {
    ObjectNode json = ConfigOutput.write("MISS", common);
    json.put("r", rank).put("mini_r", 1).put("miss_dropout", 0.0);
    ConfigOutput.putBias(json, bias, BIASES);
    json.put(INIT, true).putNull("layers_to_transform");
    json.setAll(common.other());
    return json;
  }
}
