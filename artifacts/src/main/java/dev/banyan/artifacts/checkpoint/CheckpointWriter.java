package dev.banyan.artifacts.checkpoint;

import com.google.flatbuffers.FlatBufferBuilder;
import dev.banyan.artifacts.flat.FlatWriter;
import dev.banyan.artifacts.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Writes one checkpoint file. Fields are added by number: vtable offset 4 is number 0, 6 is 1. */
final class CheckpointWriter {
  private final Path file;
  private final Checkpoint checkpoint;
  private final FlatWriter writer;
  private final FlatBufferBuilder builder;

  CheckpointWriter(Path file, Checkpoint checkpoint) {
    this.file = file;
    this.checkpoint = checkpoint;
    List<Tensor> all =
        Stream.of(
                checkpoint.trainable().stream(),
                checkpoint.frozen().stream(),
                checkpoint.optimizer().stream()
                    .flatMap(state -> state.moments().values().stream())
                    .flatMap(List::stream))
            .flatMap(tensors -> tensors)
            .toList();
    writer = new FlatWriter(file, all);
    builder = writer.builder();
  }

  void write() {
    int module = moduleState();
    int groups = checkpoint.optimizer().map(this::optimizerGroups).orElse(0);
    int properties = checkpoint.properties().isEmpty() ? 0 : propertyBag();
    builder.startTable(4);
    builder.addInt(0, CheckpointFile.VERSION, 0);
    builder.addOffset(1, module, 0);
    builder.addOffset(2, groups, 0);
    builder.addOffset(3, properties, 0);
    writer.finish(file, builder.endTable(), CheckpointFile.IDENTIFIER);
  }

  private int moduleState() {
    int trainable = tensors(checkpoint.trainable());
    // ONNX Runtime refuses a file without this list, also where it is empty.
    int frozen = tensors(checkpoint.frozen());
    builder.startTable(4);
    builder.addOffset(0, trainable, 0);
    builder.addOffset(1, frozen, 0);
    return builder.endTable();
  }

  private int tensors(List<Tensor> tensors) {
    return writer.tables(tensors.stream().map(this::tensor).toList());
  }

  private int tensor(Tensor tensor) {
    int name = writer.text(tensor.name());
    int dims = writer.shape(tensor.shape());
    int data = writer.bytes(tensor.data());
    builder.startTable(7);
    builder.addOffset(0, name, 0);
    builder.addOffset(2, dims, 0);
    builder.addInt(3, tensor.type().onnxCode(), 0);
    builder.addOffset(4, data, 0);
    return builder.endTable();
  }

  private int optimizerGroups(OptimizerState state) {
    List<Integer> parameters = new ArrayList<>();
    state.moments().forEach((name, moments) -> parameters.add(parameterState(name, moments)));
    int group = writer.text(CheckpointFile.GROUP);
    int states = writer.tables(parameters);
    builder.startTable(4);
    builder.addOffset(0, group, 0);
    builder.addLong(1, state.step(), 0);
    builder.addFloat(2, state.initialLearningRate(), 0);
    builder.addOffset(3, states, 0);
    return writer.tables(List.of(builder.endTable()));
  }

  private int parameterState(String parameter, List<Tensor> moments) {
    List<Tensor> named = new ArrayList<>();
    for (Tensor moment : moments) {
      named.add(moment.named(CheckpointFile.MOMENT + named.size()));
    }
    int name = writer.text(parameter);
    int tensors = tensors(named);
    builder.startTable(2);
    builder.addOffset(0, name, 0);
    builder.addOffset(1, tensors, 0);
    return builder.endTable();
  }

  private int propertyBag() {
    List<Integer> longs = new ArrayList<>();
    List<Integer> floats = new ArrayList<>();
    List<Integer> texts = new ArrayList<>();
    for (Map.Entry<String, Object> property : checkpoint.properties().entrySet()) {
      int name = writer.text(property.getKey());
      switch (property.getValue()) {
        case Long value -> {
          startProperty(name);
          builder.addLong(1, value, 0);
          longs.add(builder.endTable());
        }
        case Float value -> {
          startProperty(name);
          builder.addFloat(1, value, 0);
          floats.add(builder.endTable());
        }
        case String value -> {
          int text = writer.text(value);
          startProperty(name);
          builder.addOffset(1, text, 0);
          texts.add(builder.endTable());
        }
        default -> throw new IllegalStateException("Checkpoint admits no " + property.getValue());
      }
    }
    int longVector = writer.tables(longs);
    int floatVector = writer.tables(floats);
    int textVector = writer.tables(texts);
    builder.startTable(3);
    builder.addOffset(0, longVector, 0);
    builder.addOffset(1, floatVector, 0);
    builder.addOffset(2, textVector, 0);
    return builder.endTable();
  }

  private void startProperty(int name) {
    builder.startTable(2);
    builder.addOffset(0, name, 0);
  }
}
