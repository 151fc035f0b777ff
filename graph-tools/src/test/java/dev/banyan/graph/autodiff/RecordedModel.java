package dev.banyan.graph.autodiff;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * A model as an exporter wrote it, with the loss and gradients that PyTorch recorded for it ({@code
 * benchmarks/parity/record_families.py}).
 *
 * @param file the model
 * @param values inputs, loss and gradients
 */
record RecordedModel(Path file, SafetensorsFile values) {
  private static final String GRADIENTS = "gradients/";
  private static final String INPUTS = "inputs/";

  /**
   * Where a weight lies in the file.
   *
   * @param initializer its name there
   * @param transposed whether the exporter turned it
   */
  record Place(String initializer, boolean transposed) {}

  /** Reads the fixture of this name. */
  static RecordedModel read(String name) {
    Path file = Fixtures.family(name);
    return new RecordedModel(
        file, SafetensorsFile.read(file.resolveSibling(name + ".safetensors")));
  }

  /** The architecture. */
  String family() {
    return text("family");
  }

  /** PyTorch's exporter: {@code torchscript} or {@code torch.export}. */
  String exporter() {
    return text("exporter");
  }

  /** ONNX's operator set that was asked for. */
  int opset() {
    return Integer.parseInt(text("opset"));
  }

  /** The model's output that the loss is made of. */
  String output() {
    return text("output");
  }

  /** The batch by input name. */
  Map<String, Tensor> inputs() {
    return values.tensors().entrySet().stream()
        .filter(entry -> entry.getKey().startsWith(INPUTS))
        .collect(
            Collectors.toMap(
                entry -> entry.getKey().substring(INPUTS.length()), Map.Entry::getValue));
  }

  /** What the loss is measured against: token ids, or the numbers that the output is held to. */
  Tensor target() {
    return values.tensor("labels").or(() -> values.tensor("projection")).orElseThrow();
  }

  /** PyTorch's loss. */
  float loss() {
    return values.tensor("loss").orElseThrow().floats()[0];
  }

  /** Names of the weights, and inputs of real numbers, whose gradient is recorded. */
  List<String> differentiated() {
    return values.tensors().keySet().stream()
        .filter(key -> key.startsWith(GRADIENTS))
        .map(key -> key.substring(GRADIENTS.length()))
        .toList();
  }

  /** PyTorch's gradient of one of them. */
  Tensor gradient(String name) {
    return values.tensor(GRADIENTS + name).orElseThrow();
  }

  /** The places of a weight: a tied one has several; an input is where it is. */
  List<Place> places(String name) {
    JsonNode found = json("weights").path(name);
    List<Place> places = new ArrayList<>();
    for (JsonNode place : found) {
      places.add(
          new Place(
              place.path("initializer").textValue(), place.path("transposed").booleanValue()));
    }
    return places.isEmpty() ? List.of(new Place(name, false)) : places;
  }

  private JsonNode json(String key) {
    try {
      return new ObjectMapper().readTree(text(key));
    } catch (JsonProcessingException e) {
      throw new AssertionError(file + ": " + key + " is no JSON", e);
    }
  }

  private String text(String key) {
    return Objects.requireNonNull(values.metadata().get(key), key);
  }
}
