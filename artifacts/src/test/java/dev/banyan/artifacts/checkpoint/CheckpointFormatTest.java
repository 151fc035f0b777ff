package dev.banyan.artifacts.checkpoint;

import dev.banyan.artifacts.FormatContract;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class CheckpointFormatTest extends FormatContract {
  static final Tensor LORA_A = Tensor.ofFloats("site.lora_A", Shape.of(3, 2), 1, 2, 3, 4, 5, 6);
  static final Tensor LORA_B = Tensor.ofFloats("site.lora_B", Shape.of(2, 1), -1, 0.5f);

  static Checkpoint checkpoint() {
    Map<String, List<Tensor>> moments = new LinkedHashMap<>();
    for (Tensor parameter : List.of(LORA_A, LORA_B)) {
      moments.put(
          parameter.name(), List.of(parameter.named("momentum0"), parameter.named("momentum1")));
    }
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put("epoch", 3L);
    properties.put("learning_rate", 2e-4f);
    properties.put("base", "sha256:größe");
    return new Checkpoint(
        List.of(LORA_A, LORA_B),
        List.of(Tensor.ofLongs("frozen", Shape.SCALAR, 9)),
        Optional.of(new OptimizerState(17, 1e-3f, moments)),
        properties);
  }

  @Override
  protected Path writeSample() {
    Path file = folder.resolve("checkpoint");
    CheckpointFile.write(file, checkpoint());
    return file;
  }

  @Override
  protected String read(Path file) {
    Checkpoint read = CheckpointFile.read(file);
    StringBuilder text = new StringBuilder();
    read.trainable().forEach(tensor -> text.append("trainable ").append(describe(tensor)));
    read.frozen().forEach(tensor -> text.append("frozen ").append(describe(tensor)));
    read.optimizer()
        .ifPresent(
            state -> {
              text.append(state.step()).append(' ').append(state.initialLearningRate());
              state
                  .moments()
                  .forEach(
                      (name, moments) ->
                          moments.forEach(tensor -> text.append(name).append(describe(tensor))));
            });
    return text.append(read.properties()).toString();
  }

  @Override
  protected void copy(Path from, Path to) {
    CheckpointFile.write(to, CheckpointFile.read(from));
  }

  @Override
  protected Detects detects() {
    return Detects.STRUCTURE;
  }

  @Override
  protected Optional<byte[]> withVersion(byte[] file, int version) {
    ByteBuffer bytes = ByteBuffer.wrap(file.clone()).order(ByteOrder.LITTLE_ENDIAN);
    int root = bytes.getInt(0);
    int vtable = root - bytes.getInt(root);
    bytes.putInt(root + bytes.getShort(vtable + 4), version);
    return Optional.of(bytes.array());
  }

  @Override
  protected int version() {
    return CheckpointFile.VERSION;
  }
}
