package dev.banyan.graph.quantize;

import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.blockwise.BlockFormat;
import dev.banyan.graph.blockwise.BlockMatrix;
import dev.banyan.graph.blockwise.BlockProduct;
import dev.banyan.graph.blockwise.CodeMatrix;
import dev.banyan.graph.blockwise.MatrixRows;
import dev.banyan.graph.blockwise.SmallMagnitudes;
import dev.banyan.graph.blockwise.WeightError;
import dev.banyan.graph.io.TensorFile;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Weights that are stored in few bits one after the other, in a file, so that a model of any size
 * needs the memory of its largest weight; put into the graph once all are there.
 */
public final class StoredWeights implements AutoCloseable {
  private final TensorFile file;

  /** Starts a new file. */
  public StoredWeights(Path file) {
    this.file = new TensorFile(file);
  }

  /**
   * A stored weight.
   *
   * @param operator that multiplies by it
   * @param settings of the operator
   * @param tensors the operator's inputs from the second on; if the magnitudes are quantized again,
   *     the first of them and then what restores the magnitudes
   * @param doubleQuantized true if they are
   * @param error what the weight lost
   */
  public record Stored(
      OpId operator,
      Map<String, Attribute> settings,
      List<TensorFile.Kept> tensors,
      boolean doubleQuantized,
      WeightError error) {
    /** Copies map and list. */
    public Stored {
      settings = Map.copyOf(settings);
      tensors = List.copyOf(tensors);
    }

    /** Bytes of what is stored. */
    long bytes() {
      return tensors.stream().mapToLong(tensor -> tensor.place().length()).sum();
    }
  }

  /**
   * How a weight is stored.
   *
   * @param blocks its numbers
   * @param doubleQuantized true to quantize magnitudes again, where that can be done
   */
  public record Form(BlockFormat blocks, boolean doubleQuantized) {}

  /**
   * Stores a weight.
   *
   * @param name begins the names of its tensors; no other weight has it
   * @throws UnusableModel if it has numbers that are not finite
   */
  public Stored add(String name, MatrixRows weight, Form form) {
    return add(name, weight, form, any -> {});
  }

  /**
   * The same, showing what is stored while it is in memory.
   *
   * @param witness looks at it
   */
  public Stored add(
      String name, MatrixRows weight, Form form, Consumer<? super BlockMatrix> witness) {
    try (Arena arena = Arena.ofConfined()) {
      BlockMatrix stored = form.blocks().quantize(name, weight, arena);
      Optional<SmallMagnitudes> small = Optional.empty();
      if (form.doubleQuantized() && stored instanceof CodeMatrix codes) {
        small = SmallMagnitudes.of(codes.magnitudes());
        stored = small.map(codes::with).orElse(codes);
      }
      WeightError error = WeightError.between(weight, stored);
      if (!Double.isFinite(error.max()) || !Double.isFinite(error.mean())) {
        throw new UnusableModel(
            "The weight of layer '%s' has numbers that are not finite; the model is broken"
                .formatted(name));
      }
      witness.accept(stored);
      List<Tensor> tensors = new ArrayList<>(stored.tensors());
      if (small.isPresent()) {
        tensors.subList(1, tensors.size()).clear();
        tensors.addAll(small.get().tensors());
      }
      return new Stored(
          BlockProduct.operator(stored),
          BlockProduct.settings(stored),
          tensors.stream().map(tensor -> file.add(tensor.name(), tensor)).toList(),
          small.isPresent(),
          error);
    }
  }

  /**
   * Adds a stored weight to a graph. Nothing can be stored after that.
   *
   * @return the operator's inputs from the second on
   */
  public List<Value> addTo(Graph graph, Stored stored) {
    List<Value> values = new ArrayList<>();
    for (TensorFile.Kept kept : stored.tensors()) {
      values.add(graph.addConstant(file.view(kept).named(graph.freshName(kept.name()))));
    }
    if (!stored.doubleQuantized()) {
      return values;
    }
    GraphBuilder builder = new GraphBuilder(graph, values.get(1).name());
    return List.of(
        values.getFirst(), SmallMagnitudes.restore(builder, values.subList(1, values.size())));
  }

  @Override
  public void close() {
    file.close();
  }
}
