package dev.banyan.graph.site;

import dev.banyan.artifacts.bundle.LayerPart;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Finds query, key and value of a layer that computes all three, where each has a third of its
 * columns: by what follows the layer. Other layouts, such as a query, key and value for each head
 * in turn, are none of this.
 */
final class LayerParts {
  /** In the order in which every known architecture has them. */
  static final List<String> NAMES = List.of("q", "k", "v");

  private LayerParts() {}

  /** The parts of a linear layer; none if it is no such layer. */
  static List<Site> of(Site layer) {
    if (layer.outFeatures() != NAMES.size() * layer.inFeatures() || !isSplit(layer)) {
      return List.of();
    }
    int width = Math.toIntExact(layer.inFeatures());
    int of = Math.toIntExact(layer.outFeatures());
    return IntStream.range(0, NAMES.size())
        .mapToObj(
            i ->
                new Site(
                    layer.path() + "." + NAMES.get(i),
                    new SiteKind.Part(new LayerPart(layer.path(), i * width, width, of)),
                    layer.node(),
                    layer.inFeatures(),
                    width,
                    layer.end()))
        .toList();
  }

  /** Whether a path is named as a part of a layer would be, and the layer's path then. */
  static Optional<String> layer(String path) {
    int dot = path.lastIndexOf('.');
    return dot > 0 && NAMES.contains(path.substring(dot + 1))
        ? Optional.of(path.substring(0, dot))
        : Optional.empty();
  }

  private static boolean isSplit(Site layer) {
    long width = layer.inFeatures();
    Value columns = columns(layer);
    List<Long> starts = new ArrayList<>();
    for (Node reader : columns.users()) {
      if (isThirds(reader, columns, width) || isThreeByHeads(reader, width)) {
        return true;
      }
      if (reader.op().is("Slice")) {
        start(reader, columns, width).ifPresent(starts::add);
      }
    }
    return starts.containsAll(List.of(0L, width, 2 * width));
  }

  /** What the layer gives, behind reshapes that leave its columns together. */
  private static Value columns(Site layer) {
    Value value = layer.end();
    while (value.users().size() == 1
        && value.users().getFirst().op().is("Reshape")
        && isLast(value.users().getFirst().output(), layer.outFeatures())) {
      value = value.users().getFirst().output();
    }
    return value;
  }

  private static boolean isThirds(Node split, Value columns, long width) {
    return split.op().is("Split")
        && split.outputs().size() == NAMES.size()
        && isLastAxis(split.intAttribute("axis", 0), columns)
        && split.outputs().stream().allMatch(part -> isLast(part, width));
  }

  /**
   * {@code [batch, sequence, 3, heads, size]}, and not {@code [batch, sequence, heads, 3, size]}.
   */
  private static boolean isThreeByHeads(Node reshape, long width) {
    return Stream.of(reshape)
        .filter(node -> node.op().is("Reshape"))
        .flatMap(node -> node.output().type().stream())
        .filter(type -> type.rank() == 5)
        .map(TensorType::dims)
        .filter(dims -> dims.get(2).equals(Dim.of(NAMES.size())))
        .filter(dims -> !dims.get(3).equals(Dim.of(NAMES.size())))
        .anyMatch(
            dims ->
                dims.get(3) instanceof Dim.Known(long heads)
                    && dims.get(4) instanceof Dim.Known(long size)
                    && heads * size == width);
  }

  /** Where a slice of so many columns starts. */
  private static Optional<Long> start(Node slice, Value columns, long width) {
    Optional<Long> from = number(slice, 1);
    Optional<Long> axis = number(slice, 3);
    boolean along = axis.filter(number -> isLastAxis(number, columns)).isPresent();
    return along && isLast(slice.output(), width) ? from : Optional.empty();
  }

  private static Optional<Long> number(Node node, int input) {
    return input < node.inputs().size()
        ? node.input(input)
            .constant()
            .filter(tensor -> tensor.type() == DType.INT64 && tensor.shape().elements() == 1)
            .map(tensor -> tensor.longs()[0])
        : Optional.empty();
  }

  private static boolean isLastAxis(long axis, Value value) {
    return axis == -1 || value.type().filter(type -> type.rank() - 1 == axis).isPresent();
  }

  private static boolean isLast(Value value, long width) {
    return value
        .type()
        .filter(type -> type.rank() > 0 && type.dim(-1).equals(Dim.of(width)))
        .isPresent();
  }
}
