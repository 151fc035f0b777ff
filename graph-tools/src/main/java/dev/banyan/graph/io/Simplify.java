package dev.banyan.graph.io;

import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.TensorProtos;
import dev.banyan.artifacts.onnx.proto.GraphProto;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import dev.banyan.artifacts.onnx.proto.ValueInfoProto;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.runtime.ort.ModelProbe;
import dev.banyan.runtime.ort.SimplifySettings;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Lets ONNX Runtime fold constants and remove what is dead.
 *
 * <p>It never sees a big weight that it has nothing to do with: those are inputs of the model that
 * it is given, and weights again in the result, where they are views of the source. So a model of
 * any size is simplified in the memory of its small tensors, and none of its weights is written
 * again.
 */
public final class Simplify {
  private Simplify() {}

  /**
   * Simplifies a model.
   *
   * @param source must stay as long as the result is used
   * @param folder for the files of the result
   * @throws dev.banyan.runtime.ort.OrtFailure.ModelRejected if ONNX Runtime does not load the model
   */
  public static OnnxFile of(OnnxFile source, Path folder) {
    Path simplified = folder.resolve("simplified.onnx");
    Map<String, Tensor> big = BigWeights.of(source);
    Path given = source.path();
    if (!big.isEmpty()) {
      given = folder.resolve("weightless.onnx");
      OnnxFile.write(given, source.model().toBuilder().setGraph(without(big, source)).build());
    }
    ModelProbe.simplify(given, simplified, SimplifySettings.defaults());
    OnnxFile result = OnnxFile.read(simplified);
    return big.isEmpty() ? result : result.withWeights(big);
  }

  private static GraphProto without(Map<String, Tensor> big, OnnxFile source) {
    GraphProto graph = source.model().getGraph();
    GraphProto.Builder copy = graph.toBuilder().clearInitializer();
    for (TensorProto tensor : graph.getInitializerList()) {
      if (!big.containsKey(tensor.getName())) {
        boolean outside = tensor.getDataLocation() == TensorProto.DataLocation.EXTERNAL;
        // The copy lies in another folder, where it would not find the data file.
        copy.addInitializer(outside ? TensorProtos.inline(source.tensor(tensor)) : tensor);
      }
    }
    Set<String> inputs = new HashSet<>();
    graph.getInputList().forEach(input -> inputs.add(input.getName()));
    for (Tensor weight : big.values()) {
      // Before IR version 4 every initializer was listed as an input too.
      if (inputs.add(weight.name())) {
        TensorType type = TensorType.of(weight.type(), weight.shape());
        copy.addInput(
            ValueInfoProto.newBuilder().setName(weight.name()).setType(TypeCodec.encode(type)));
      }
    }
    return copy.build();
  }
}
