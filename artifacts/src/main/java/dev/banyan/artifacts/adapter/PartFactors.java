package dev.banyan.artifacts.adapter;

import dev.banyan.artifacts.bundle.LayerPart;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * LoRA's factors for a part of a layer, as files have them.
 *
 * @param part the columns of the layer's output
 * @param a float {@code [rank, in]}
 * @param b float {@code [width, rank]}
 */
record PartFactors(LayerPart part, Tensor a, Tensor b) {
  int rank() {
    return Math.toIntExact(a.shape().dim(0));
  }

  /** The same whose product is a multiple. */
  PartFactors times(float factor) {
    float[] values = b.floats();
    for (int i = 0; i < values.length; i++) {
      values[i] *= factor;
    }
    return new PartFactors(part, a, Tensor.ofFloats(b.name(), b.shape(), values));
  }

  /** All A one below the other. */
  static Tensor stacked(List<PartFactors> parts) {
    int in = Math.toIntExact(parts.getFirst().a.shape().dim(1));
    int rank = parts.stream().mapToInt(PartFactors::rank).sum();
    float[] all = new float[Math.multiplyExact(rank, in)];
    int row = 0;
    for (PartFactors one : parts) {
      System.arraycopy(one.a.floats(), 0, all, row * in, one.rank() * in);
      row += one.rank();
    }
    return Tensor.ofFloats("A", Shape.of(rank, in), all);
  }

  /** Each B in rows and columns of its own. */
  static Tensor inBlocks(List<PartFactors> parts) {
    int out = parts.getFirst().part.of();
    int rank = parts.stream().mapToInt(PartFactors::rank).sum();
    float[] all = new float[Math.multiplyExact(out, rank)];
    int column = 0;
    for (PartFactors one : parts) {
      float[] own = one.b.floats();
      for (int row = 0; row < one.part.width(); row++) {
        int at = (one.part.from() + row) * rank + column;
        System.arraycopy(own, row * one.rank(), all, at, one.rank());
      }
      column += one.rank();
    }
    return Tensor.ofFloats("B", Shape.of(out, rank), all);
  }

  /** What a part has of a whole layer's factors: the ranks that its columns use, at least one. */
  static PartFactors of(LayerPart part, Tensor a, Tensor b) {
    requireShapes(part, a, b);
    float[] all = b.floats();
    int rank = Math.toIntExact(b.shape().dim(1));
    List<Integer> used =
        new ArrayList<>(
            IntStream.range(0, rank).filter(k -> uses(part, all, rank, k)).boxed().toList());
    if (used.isEmpty()) {
      used.add(0);
    }
    int in = Math.toIntExact(a.shape().dim(1));
    float[] ownA = new float[used.size() * in];
    float[] ownB = new float[part.width() * used.size()];
    float[] allA = a.floats();
    for (int k = 0; k < used.size(); k++) {
      System.arraycopy(allA, used.get(k) * in, ownA, k * in, in);
      for (int row = 0; row < part.width(); row++) {
        ownB[row * used.size() + k] = all[(part.from() + row) * rank + used.get(k)];
      }
    }
    return new PartFactors(
        part,
        Tensor.ofFloats("A", Shape.of(used.size(), in), ownA),
        Tensor.ofFloats("B", Shape.of(part.width(), used.size()), ownB));
  }

  private static boolean uses(LayerPart part, float[] b, int rank, int k) {
    return IntStream.range(part.from(), part.from() + part.width())
        .anyMatch(row -> b[row * rank + k] != 0);
  }

  private static void requireShapes(LayerPart part, Tensor a, Tensor b) {
    boolean fit =
        a.shape().rank() == 2
            && b.shape().rank() == 2
            && b.shape().dim(0) == part.of()
            && a.shape().dim(0) == b.shape().dim(1);
    if (!fit) {
      throw new UnusableArtifact(
          "adapter",
          "'%s' is %s and '%s' is %s; the layer has %d columns"
              .formatted(a.name(), a.shape(), b.name(), b.shape(), part.of()),
          "use the bundle of the base that it was trained on");
    }
  }

  /**
   * Checks that a whole layer's factor is zero outside of some parts.
   *
   * @throws UnusableArtifact if it is not
   */
  static void requireNothingBeside(Map<String, LayerPart> parts, Tensor b) {
    float[] all = b.floats();
    int rank = Math.toIntExact(b.shape().dim(-1));
    for (int i = 0; i < all.length; i++) {
      int row = i / rank;
      if (all[i] != 0
          && parts.values().stream()
              .noneMatch(part -> part.from() <= row && row < part.from() + part.width())) {
        throw new UnusableArtifact(
            "adapter",
            "'%s' changes output %d, which is in none of the parts that this bundle adapts (%s)"
                .formatted(b.name(), row, String.join(", ", parts.keySet())),
            "prepare a bundle whose targets name "
                + parts.values().iterator().next().layer()
                + ", or all of its parts");
      }
    }
  }
}
