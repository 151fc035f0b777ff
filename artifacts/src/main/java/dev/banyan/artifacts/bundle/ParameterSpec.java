package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * One parameter of an adapter: an input of the training graph, a tensor of the adapter's file, a
 * bank of the serving graph.
 *
 * @param name the graph input, such as {@code encoder.layer.0.attention.self.query.lora_A}
 * @param dims each a number or the name of a {@link Size}
 * @param init how it starts
 * @param peftKey its key in a PEFT file without {@code base_model.model.} and without the prefix of
 *     {@link AdapterInfo}
 * @param layout how the file has its elements
 * @param scaled true if serving multiplies it by alpha/rank
 * @param decayed true if weight decay applies
 * @param method whose parameter it is; absent for the head, and for weights of the base, which any
 *     adapter may have
 * @param role whether it is trained
 * @param ranks of which ranks adapters are that have it
 * @param part the columns that its last axis has of a layer's; absent if it has all
 */
public record ParameterSpec(
    String name,
    List<String> dims,
    Initializer init,
    String peftKey,
    Layout layout,
    boolean scaled,
    boolean decayed,
    Optional<MethodName> method,
    Role role,
    RankRange ranks,
    Optional<LayerPart> part) {
  /** The dimension that each adapter chooses for itself: LoRA's rank. */
  public static final String RANK = "rank";

  /** The dimension that each adapter chooses for itself: its number of labels. */
  public static final String LABELS = "labels";

  /**
   * Checks the dimensions.
   *
   * @throws IllegalArgumentException if one is neither a positive number nor a size
   */
  public ParameterSpec {
    dims = List.copyOf(dims);
    for (String dim : dims) {
      if (Size.of(dim).isEmpty() && !dim.matches("[1-9][0-9]{0,17}")) {
        throw new IllegalArgumentException(
            "Parameter '%s' has the dimension '%s'; known are numbers and %s"
                .formatted(
                    name,
                    dim,
                    Arrays.stream(Size.values())
                        .map(Size::text)
                        .collect(Collectors.joining(", "))));
      }
    }
  }

  /** A parameter of no method that is trained: of the head, or a weight of the base. */
  public static ParameterSpec common(
      String name, List<String> dims, Initializer init, Layout layout) {
    boolean matrix = dims.size() == 2;
    return new ParameterSpec(
        name,
        dims,
        init,
        name,
        layout,
        false,
        matrix,
        Optional.empty(),
        Role.TRAINED,
        RankRange.ALL,
        Optional.empty());
  }

  /** A trained parameter of a layer, without weight decay, that the file has as the graphs do. */
  public static ParameterSpec of(
      MethodName method, String name, List<String> dims, Initializer init) {
    return new ParameterSpec(
        name,
        dims,
        init,
        name,
        Layout.SAME,
        false,
        false,
        Optional.of(method),
        Role.TRAINED,
        RankRange.ALL,
        Optional.empty());
  }

  /** The same under another key in the file, with its elements laid out so there. */
  public ParameterSpec stored(String key, Layout as) {
    return new ParameterSpec(name, dims, init, key, as, scaled, decayed, method, role, ranks, part);
  }

  /** The same with weight decay. */
  public ParameterSpec withDecay() {
    return new ParameterSpec(
        name, dims, init, peftKey, layout, scaled, true, method, role, ranks, part);
  }

  /** The same that serving multiplies by alpha/rank. */
  public ParameterSpec withScaling() {
    return new ParameterSpec(
        name, dims, init, peftKey, layout, true, decayed, method, role, ranks, part);
  }

  /** The same with another start. */
  public ParameterSpec starting(Initializer other) {
    return new ParameterSpec(
        name, dims, other, peftKey, layout, scaled, decayed, method, role, ranks, part);
  }

  /** The same in another role. */
  public ParameterSpec as(Role other) {
    return new ParameterSpec(
        name, dims, init, peftKey, layout, scaled, decayed, method, other, ranks, part);
  }

  /** The same of adapters of these ranks. */
  public ParameterSpec at(RankRange other) {
    return new ParameterSpec(
        name, dims, init, peftKey, layout, scaled, decayed, method, role, other, part);
  }

  /** The same for these columns of a layer alone. */
  public ParameterSpec in(LayerPart columns) {
    return new ParameterSpec(
        name,
        dims,
        init,
        peftKey,
        layout,
        scaled,
        decayed,
        method,
        role,
        ranks,
        Optional.of(columns));
  }

  /** What it is in an adapter of this rank: one that does not have it leaves it as it starts. */
  public ParameterSpec of(int rank) {
    return ranks.has(rank) ? this : as(Role.START);
  }

  /**
   * True for a weight that the base has too. An adapter's file holds it whole; a bank holds its
   * distance from the base's.
   */
  public boolean isOfBase() {
    return init == Initializer.FROM_BASE;
  }

  /** True if it starts as the base has it, or as what was computed of the base. */
  public boolean startsFromBase() {
    return isOfBase() || init == Initializer.BASE_NORM;
  }

  /** True if its gradient is computed and it changes in training. */
  public boolean isTrained() {
    return role == Role.TRAINED || role == Role.FACTOR;
  }

  /** True if adapters' files have it. */
  public boolean isSaved() {
    return role != Role.START;
  }

  /** True if the serving graph has a bank of it. */
  public boolean isBanked() {
    return role == Role.TRAINED || role == Role.FROZEN;
  }

  /** The path of the layer that it belongs to: its name without the last part. */
  public String site() {
    return name.substring(0, Math.max(0, name.lastIndexOf('.')));
  }

  /** The serving graph's input that holds this parameter of many adapters. */
  public String bankName() {
    return name + ".bank";
  }

  /** Whether it belongs to no layer but to the model as a whole. */
  public boolean isOfModel() {
    return method.filter(name -> name.kind() == MethodName.Kind.MODEL).isPresent();
  }

  /**
   * Whether it belongs to all layers of its method at once. Adapters that start alike have the same
   * values, so banks hold each value once, and beside it which of them is of which slot, {@link
   * #setName}. Its key in files is whole.
   */
  public boolean isShared() {
    return site().isEmpty()
        && method.filter(name -> name.kind() == MethodName.Kind.LAYERS).isPresent();
  }

  /** The serving graph's input, int64 {@code [slots]}, that says which value is each adapter's. */
  public String setName() {
    return name + ".set.bank";
  }

  /**
   * Whether adapters have any number of it along the first axis, and filling up with zeros would
   * count: then a bank of their numbers goes with it, {@link #countName}.
   */
  public boolean isCounted() {
    return !dims.isEmpty() && dims.getFirst().equals(Size.TOKENS.text());
  }

  /** The serving graph's input, int64 {@code [slots]}, that says how many each adapter has. */
  public String countName() {
    return name + ".count.bank";
  }

  /** The shape of an adapter of this rank with this many labels, all other sizes being the rank. */
  public Shape shape(long rank, long labels) {
    return shape(Sizes.of(rank, labels));
  }

  /**
   * The shape of an adapter of these sizes.
   *
   * @throws IllegalArgumentException if it needs one that is not known
   */
  public Shape shape(Sizes sizes) {
    return new Shape(
        dims.stream()
            .map(
                dim ->
                    Size.of(dim)
                        .map(size -> (long) sizes.of(size))
                        .orElseGet(() -> Long.valueOf(dim)))
            .toList());
  }

  /**
   * A tensor of this parameter in the room for larger sizes, so that it says the same there: filled
   * up with zeros, which change nothing. The rows of MiSS's block are repeated instead: row j is
   * for the inputs j, j + rank, j + 2 rank and so on.
   *
   * @throws IllegalArgumentException if rows are to be repeated and the room for them is no
   *     multiple
   */
  public Tensor grown(Tensor tensor, Sizes room) {
    Shape shape = shape(room);
    if (!repeats()) {
      return tensor.resized(shape);
    }
    long rows = tensor.shape().dim(0);
    if (shape.dim(0) % rows != 0) {
      throw new IllegalArgumentException(
          "'%s' has %d rows, which are not repeated to %d".formatted(name, rows, shape.dim(0)));
    }
    float[] values = tensor.floats();
    float[] result = new float[Math.toIntExact(shape.elements())];
    for (int at = 0; at < result.length; at += values.length) {
      System.arraycopy(values, 0, result, at, values.length);
    }
    return Tensor.ofFloats(tensor.name(), shape, result);
  }

  /** Whether a room for a larger rank is filled up by repeating, not with zeros. */
  public boolean repeats() {
    return method.equals(Optional.of(MethodName.MISS)) && dims.contains(RANK);
  }
}
