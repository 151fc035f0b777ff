package dev.banyan.artifacts.safetensors;

import dev.banyan.artifacts.FormatContract;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

class SafetensorsFormatTest extends FormatContract {
  @Override
  protected Path writeSample() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Tensor tensor :
        new Tensor[] {
          Tensor.ofFloats("z.lora_A.weight", Shape.of(2, 3), 1, 2, 3, 4, 5, 6),
          Tensor.ofLongs("count", Shape.SCALAR, 42),
          Tensor.ofFloats("empty", Shape.of(0, 4)),
        }) {
      tensors.put(tensor.name(), tensor);
    }
    Path file = folder.resolve("sample.safetensors");
    new SafetensorsFile(Map.of("banyan.task", "größe \"1\""), tensors).write(file);
    return file;
  }

  @Override
  protected String read(Path path) {
    SafetensorsFile file = SafetensorsFile.read(path);
    return file.metadata()
        + file.tensors().values().stream()
            .map(FormatContract::describe)
            .collect(Collectors.joining("\n"));
  }

  @Override
  protected void copy(Path from, Path to) {
    SafetensorsFile.read(from).write(to);
  }

  @Override
  protected Detects detects() {
    return Detects.EVERY_FLIP;
  }

  @Override
  protected Optional<byte[]> withVersion(byte[] file, int version) {
    return Optional.empty();
  }

  @Override
  protected int version() {
    return 0;
  }
}
