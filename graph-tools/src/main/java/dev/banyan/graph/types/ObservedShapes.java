package dev.banyan.graph.types;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.graph.ir.Dim;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The shapes of a graph's outputs in two runs whose inputs differ in every free axis. */
final class ObservedShapes {
  private static final String MASK = "attention_mask";

  /**
   * Sizes of the free axes, in their order. No axis, sum of two or three and product of two has the
   * same size in both runs, or the same sizes as another; the first axis, the batch, has halves and
   * thirds, as pairs and triplets of rows need them.
   */
  private static final List<Integer> FIRST = List.of(6, 5, 7, 11, 13, 17, 19, 23);

  private static final List<Integer> SECOND = List.of(12, 9, 4, 3, 8, 10, 7, 2);

  /** The name of an axis that is a share of another one: {@code batch/2}. */
  private static final String SHARE = "\\w+/[1-9]";

  private final List<Map<String, Shape>> runs;
  private final Map<List<Long>, String> names = new LinkedHashMap<>();

  private ObservedShapes(InferenceSession session) {
    List<TensorPort> inputs = session.inputs();
    Map<String, Integer> axes = freeAxes(inputs);
    axes.forEach((name, i) -> names.put(List.of((long) FIRST.get(i), (long) SECOND.get(i)), name));
    List<String> outputs = session.outputs().stream().map(TensorPort::name).toList();
    runs = new ArrayList<>();
    for (List<Integer> sizes : List.of(FIRST, SECOND)) {
      try (Arena arena = Arena.ofConfined();
          TensorScope scope = new TensorScope()) {
        Map<String, NativeTensor> feeds = new HashMap<>();
        for (TensorPort input : inputs) {
          Shape shape = shape(input, axes, sizes);
          long bytes = input.type().bytes(shape.elements());
          MemorySegment data = arena.allocate(bytes, 64);
          if (input.name().equals(MASK) && input.type() == DType.INT64) {
            // Zeros would say that there is no text, which some operators refuse.
            for (long i = 0; i < shape.elements(); i++) {
              data.setAtIndex(ValueLayout.JAVA_LONG, i, 1);
            }
          }
          feeds.put(input.name(), scope.view(data, input.type(), shape));
        }
        try (OutputTensors out = session.run(feeds, outputs)) {
          Map<String, Shape> seen = new HashMap<>();
          outputs.forEach(name -> seen.put(name, out.shape(name)));
          runs.add(seen);
        }
      }
    }
  }

  /** Runs the graph. */
  static ObservedShapes of(InferenceSession session) {
    return new ObservedShapes(session);
  }

  /** The dimensions of an output. */
  List<Dim> dims(String output) {
    List<List<Long>> sizes =
        runs.stream().map(run -> Objects.requireNonNull(run.get(output)).dims()).toList();
    List<Dim> dims = new ArrayList<>();
    for (int axis = 0; axis < sizes.getFirst().size(); axis++) {
      long a = sizes.getFirst().get(axis);
      long b = sizes.getLast().get(axis);
      dims.add(a == b ? Dim.of(a) : Dim.of(name(a, b)));
    }
    return dims;
  }

  private String name(long a, long b) {
    return names.computeIfAbsent(List.of(a, b), pair -> "size" + names.size());
  }

  private static Map<String, Integer> freeAxes(List<TensorPort> inputs) {
    Map<String, Integer> axes = new LinkedHashMap<>();
    for (TensorPort input : inputs) {
      for (int axis = 0; axis < input.dims().size(); axis++) {
        if (input.dims().get(axis) < 0 && !name(input, axis).matches(SHARE)) {
          axes.putIfAbsent(name(input, axis), axes.size());
        }
      }
    }
    return axes;
  }

  /**
   * An axis's own name, unless exporters gave one name to several axes of the input, or none: then
   * its place names it.
   */
  private static String name(TensorPort input, int axis) {
    String symbol = input.symbols().get(axis);
    boolean unique = input.symbols().stream().filter(symbol::equals).count() == 1;
    return symbol.isEmpty() || !unique ? "axis" + axis : symbol;
  }

  private static Shape shape(TensorPort input, Map<String, Integer> axes, List<Integer> sizes) {
    List<Long> dims = new ArrayList<>();
    for (int axis = 0; axis < input.dims().size(); axis++) {
      long size = input.dims().get(axis);
      dims.add(size >= 0 ? size : size(name(input, axis), axes, sizes));
    }
    return new Shape(dims);
  }

  private static long size(String name, Map<String, Integer> axes, List<Integer> sizes) {
    int slash = name.matches(SHARE) ? name.indexOf('/') : name.length();
    long whole = sizes.get(axes.getOrDefault(name.substring(0, slash), 0));
    return slash == name.length() ? whole : whole / Integer.parseInt(name.substring(slash + 1));
  }
}
