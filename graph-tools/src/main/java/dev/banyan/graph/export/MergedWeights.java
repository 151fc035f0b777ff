package dev.banyan.graph.export;

import dev.banyan.artifacts.integrity.MappedFile;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.NotMergeable;
import dev.banyan.graph.MergeReport.Requantized;
import dev.banyan.graph.blockwise.BlockMatrix;
import dev.banyan.graph.blockwise.BlockProduct;
import dev.banyan.graph.blockwise.MatrixRows;
import dev.banyan.graph.blockwise.SmallMagnitudes;
import dev.banyan.graph.blockwise.WeightError;
import dev.banyan.graph.io.TensorFile;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import dev.banyan.graph.quantize.StoredWeights;
import dev.banyan.graph.quantize.StoredWeights.Form;
import dev.banyan.graph.quantize.StoredWeights.Stored;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteKind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The new weights of a merged graph, kept in files so that they need no memory. What was stored in
 * few bits is stored so again, in the same form.
 */
final class MergedWeights implements AutoCloseable {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Beyond half a step there are only roundings of floats. */
  private static final double MOST_STEPS = 1 + 1e-3;

  private final TensorFile floats;
  private final StoredWeights stored;
  private final List<Written> written = new ArrayList<>();
  private final Rounding rounding = new Rounding();

  /** Weights in two new files of a folder. */
  MergedWeights(Path folder) {
    floats = new TensorFile(folder.resolve("merged.data"));
    stored = new StoredWeights(folder.resolve("stored.data"));
  }

  /** A layer with a new weight. */
  private sealed interface Written {
    /** Floats. */
    record Floats(Node layer, TensorFile.Kept kept) implements Written {}

    /** Few bits. */
    record FewBits(Node layer, Stored stored) implements Written {}
  }

  /** What was lost, over all layers. */
  private static final class Rounding {
    private int layers;
    private double mean;
    private double steps;
    private double change;
    private double along;
    private double apart;
  }

  /**
   * A site's weight in floats, as its node has it: {@code [in, out]}, or {@code [out, in]} if that
   * turns it; of a convolution {@code [out, in, height, width]}.
   *
   * @throws NotMergeable if it has no weight of its own that can be changed
   */
  static Tensor of(Node layer, String site, Arena arena) {
    Optional<BlockMatrix> blocks = BlockProduct.weightOf(layer);
    if (blocks.isPresent()) {
      return dequantized(blocks.get(), isTurned(layer), arena);
    }
    int axes = SiteKind.of(layer) instanceof SiteKind.Convolution ? 4 : 2;
    return layer
        .input(Site.weightPlace(layer))
        .constant()
        .filter(weight -> weight.type() == DType.FLOAT && weight.shape().rank() == axes)
        .orElseThrow(
            () ->
                new NotMergeable(
                    "The layer '%s' has no weight of its own that can be changed (%s), so the adapter cannot become part of it; serve base and adapter, or merge over a bundle made with 'prepare --dequantize'"
                        .formatted(site, layer)));
  }

  private static boolean isTurned(Node layer) {
    return layer.intAttribute("transB", 0) != 0;
  }

  private static Tensor dequantized(BlockMatrix blocks, boolean rows, Arena arena) {
    Shape shape =
        rows
            ? Shape.of(blocks.rows(), blocks.columns())
            : Shape.of(blocks.columns(), blocks.rows());
    MemorySegment room = arena.allocate(DType.FLOAT.bytes(shape.elements()), Float.BYTES);
    Tensor target = new Tensor("dequantized", DType.FLOAT, shape, room);
    return rows ? blocks.fill(target) : blocks.fillTransposed(target);
  }

  /**
   * Keeps a layer's new weight.
   *
   * @param old what {@link #of} gave
   * @return the largest change of a number
   */
  double add(Node layer, Tensor old, Tensor merged) {
    double most = largestDifference(old.data(), merged.data());
    Optional<BlockMatrix> blocks = BlockProduct.weightOf(layer);
    String name = layer.output().name();
    if (blocks.isEmpty()) {
      written.add(new Written.Floats(layer, floats.add(name, merged)));
      MappedFile.release(old.data());
    } else if (most > 0) {
      // A layer that is left alone keeps its bits.
      boolean small = SmallMagnitudes.behind(layer.input(2)).isPresent();
      Form form = new Form(blocks.get().format(), small);
      MatrixRows before = rows(layer, old);
      MatrixRows exact = rows(layer, merged);
      Stored now =
          stored.add(name, exact, form, seen -> measure(before, seen, length(old, merged)));
      note(now.error(), small, name);
      written.add(new Written.FewBits(layer, now));
    }
    return most;
  }

  private static MatrixRows rows(Node layer, Tensor weight) {
    return isTurned(layer) ? MatrixRows.of(weight) : MatrixRows.columnsOf(weight);
  }

  /**
   * Of the three sides of a triangle, the old weight, the merged one and the stored one, follows
   * how far the stored one went in the direction of the merged one.
   */
  private void measure(MatrixRows before, BlockMatrix seen, double change) {
    double moved = WeightError.between(before, seen).length();
    rounding.change += change * change;
    rounding.along += (moved * moved + change * change) / 2;
  }

  private void note(WeightError error, boolean small, String name) {
    if (!small && !(error.worstSteps() <= MOST_STEPS)) {
      throw new NotMergeable(
          "The merged weight of '%s' cannot be stored as the layer stores it: %.3g steps away, expected at most 1; please report the model"
              .formatted(name, error.worstSteps()));
    }
    rounding.layers++;
    rounding.mean = Math.max(rounding.mean, error.mean());
    rounding.steps = Math.max(rounding.steps, error.worstSteps());
    rounding.along -= error.length() * error.length() / 2;
    rounding.apart += error.length() * error.length();
  }

  private static double length(Tensor a, Tensor b) {
    double sum = 0;
    for (long i = 0; i < a.shape().elements(); i++) {
      double apart = (double) a.data().getAtIndex(FLOAT, i) - b.data().getAtIndex(FLOAT, i);
      sum += apart * apart;
    }
    return Math.sqrt(sum);
  }

  /** The largest difference of two numbers at the same place. */
  static double largestDifference(MemorySegment a, MemorySegment b) {
    double largest = 0;
    for (long i = 0; i < a.byteSize() / Float.BYTES; i++) {
      largest = Math.max(largest, Math.abs(a.getAtIndex(FLOAT, i) - b.getAtIndex(FLOAT, i)));
    }
    return largest;
  }

  /** What was lost in few bits; empty if all weights are floats. */
  Optional<Requantized> requantized() {
    return rounding.layers == 0
        ? Optional.empty()
        : Optional.of(
            new Requantized(
                rounding.layers,
                rounding.mean,
                rounding.steps,
                rounding.along / rounding.change,
                Math.sqrt(rounding.apart / rounding.change)));
  }

  /** Gives the layers their new weights, once all of them are there. */
  void addTo(Graph graph) {
    for (Written one : written) {
      switch (one) {
        case Written.Floats(Node layer, TensorFile.Kept kept) -> {
          int place = Site.weightPlace(layer);
          Value old = layer.input(place);
          Tensor tensor = floats.view(kept).named(graph.freshName(old.name() + "/merged"));
          replace(graph, layer, place, graph.addConstant(tensor));
        }
        case Written.FewBits(Node layer, Stored weight) -> {
          List<Value> values = stored.addTo(graph, weight);
          for (int i = 0; i < values.size(); i++) {
            replace(graph, layer, i + 1, values.get(i));
          }
        }
      }
    }
    RemoveUnused.from(graph);
  }

  /** A weight that others read too stays for them, and the layer gets one of its own. */
  private static void replace(Graph graph, Node layer, int input, Value merged) {
    Value old = layer.input(input);
    layer.replaceInput(input, merged);
    boolean captured =
        graph.nodes().stream().anyMatch(node -> node.captures().contains(old.name()));
    if (old.isConstant() && old.users().isEmpty() && !captured && merged.isConstant()) {
      String name = old.name();
      graph.removeUnused(old);
      graph.rename(merged, name);
    }
  }

  @Override
  public void close() {
    floats.close();
    stored.close();
  }
}
