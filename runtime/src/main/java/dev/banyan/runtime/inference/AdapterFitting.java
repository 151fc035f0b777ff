package dev.banyan.runtime.inference;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.integrity.WrongBase;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** One adapter being checked and converted, tensor by tensor. */
final class AdapterFitting {
  private static final String PREFIX = "base_model.model.";
  private static final Pattern LORA =
      Pattern.compile(Pattern.quote(PREFIX) + "(.*)\\.lora_[AB]\\.weight");

  private final PeftAdapter adapter;
  private final BundleManifest bundle;
  private final ServingPlan limits;

  /** What no parameter has taken yet. */
  private final Map<String, Tensor> left = new LinkedHashMap<>();

  private final int rank;

  AdapterFitting(PeftAdapter adapter, BundleManifest bundle, ServingPlan limits) {
    this.adapter = adapter;
    this.bundle = bundle;
    this.limits = limits;
    this.left.putAll(adapter.weights().tensors());
    this.left.keySet().removeIf(PeftAdapter::isCopy);
    this.rank = highestRank();
  }

  private int highestRank() {
    return left.keySet().stream()
        .filter(name -> LORA.matcher(name).matches())
        .mapToInt(name -> adapter.config().rank(module(name)))
        .max()
        .orElse(adapter.config().rank());
  }

  /** The module path that PEFT's patterns are about. */
  private static String module(String tensor) {
    Matcher lora = LORA.matcher(tensor);
    return lora.matches() ? lora.group(1) : tensor;
  }

  AdapterWeights fit(Digest digest) {
    checkBase();
    Task task = task();
    if (rank > limits.maxRank()) {
      throw unusable(
          "its rank is %d, the server has room for %d".formatted(rank, limits.maxRank()),
          "start the server with --max-rank %d or train with a lower rank".formatted(rank));
    }
    List<String> labels = labels();
    Map<String, Tensor> tensors = new HashMap<>();
    for (ParameterSpec spec : bundle.parameters()) {
      take(spec)
          .ifPresent(tensor -> tensors.put(spec.name(), convert(spec, tensor, labels.size())));
    }
    if (!left.isEmpty()) {
      String first = left.keySet().iterator().next();
      throw unusable(
          "it has '%s', which this bundle (targets %s) does not adapt"
              .formatted(first, bundle.adapter().targets()),
          remedy(first));
    }
    checkPairs(tensors);
    requireEffect(tensors);
    return new AdapterWeights(digest, task, labels, rank, tensors);
  }

  private String remedy(String tensor) {
    if (LORA.matcher(tensor).matches()) {
      return "prepare a bundle with targets that include it, for instance all-linear";
    }
    String bias = adapter.config().bias();
    return tensor.endsWith(".bias") && !bias.equals("none")
        ? "prepare a bundle with --bias " + bias
        : "prepare a bundle with --modules-to-save "
            + tensor.substring(PREFIX.length(), tensor.lastIndexOf('.'));
  }

  private void checkBase() {
    Digest expected = bundle.base().digest();
    adapter
        .metadata()
        .base()
        .filter(seen -> !seen.equals(expected))
        .ifPresent(
            seen -> {
              throw new WrongBase(PeftAdapter.WEIGHTS, seen, expected);
            });
  }

  /**
   * One head serves several tasks, such as one label of a text or many. What PEFT wrote tells only
   * whether texts or tokens are labelled.
   */
  private Task task() {
    Task task =
        adapter
            .metadata()
            .task()
            .orElseGet(
                () ->
                    adapter.config().taskType().equals(bundle.task().peftType())
                        ? bundle.task()
                        : ofPeftType());
    if (!task.fits(bundle.task())) {
      throw unusable(
          "it was trained for %s, and this bundle is prepared for %s"
              .formatted(task.text(), bundle.task().text()),
          "prepare a bundle of the base with --task " + task.text());
    }
    return task;
  }

  private Task ofPeftType() {
    return switch (adapter.config().taskType()) {
      case "TOKEN_CLS" -> Task.TOKEN_CLASSIFICATION;
      case "SEQ_CLS" -> Task.TEXT_CLASSIFICATION;
      default -> bundle.task();
    };
  }

  /** The names in the file, else {@code LABEL_0, LABEL_1, ..} as many as the head has rows. */
  private List<String> labels() {
    Optional<Integer> rows =
        bundle.parameters().stream()
            .filter(spec -> spec.dims().equals(List.of(ParameterSpec.LABELS)))
            .flatMap(spec -> find(spec).stream())
            .map(bias -> Math.toIntExact(bias.shape().elements()))
            .findFirst();
    int count = rows.orElse(0);
    if (count > limits.maxLabels()) {
      throw unusable(
          "it has %d labels, the server has room for %d".formatted(count, limits.maxLabels()),
          "start the server with --max-labels " + count);
    }
    List<String> named = adapter.metadata().labels();
    if (!named.isEmpty() && named.size() != count) {
      throw unusable(
          "it names %d labels and its head has %d".formatted(named.size(), count),
          "get the adapter again from where it was made");
    }
    return named.isEmpty()
        ? IntStream.range(0, count).mapToObj(label -> "LABEL_" + label).toList()
        : named;
  }

  private Optional<Tensor> take(ParameterSpec spec) {
    Optional<Tensor> found = find(spec);
    found.ifPresent(tensor -> left.remove(tensor.name()));
    return found;
  }

  /**
   * The tensor of a parameter. PEFT puts the name of the wrapped model before a module path or not,
   * depending on the class it was trained with; so any one prefix is accepted.
   */
  private Optional<Tensor> find(ParameterSpec spec) {
    Optional<Tensor> found = find(spec, spec.peftKey());
    // The layer inside PEFT's: who writes biases by hand names them after the layer itself.
    return found.isPresent() || !spec.isOfBase()
        ? found
        : find(spec, spec.peftKey().replace(".base_layer.", "."));
  }

  private Optional<Tensor> find(ParameterSpec spec, String key) {
    Tensor exact = left.get(PREFIX + key);
    if (exact != null) {
      return Optional.of(exact);
    }
    List<Tensor> ending =
        left.values().stream()
            .filter(tensor -> tensor.name().startsWith(PREFIX))
            .filter(tensor -> tensor.name().endsWith("." + key))
            .toList();
    if (ending.size() > 1) {
      throw unusable(
          "'%s' and '%s' are both for '%s'"
              .formatted(ending.get(0).name(), ending.get(1).name(), spec.name()),
          "keep one of them");
    }
    return ending.stream().findFirst();
  }

  private Tensor convert(ParameterSpec spec, Tensor tensor, int labels) {
    String module = module(tensor.name());
    Shape expected = spec.shape(adapter.config().rank(module), labels);
    boolean matrix = spec.transposed();
    Shape stored = matrix ? Shape.of(expected.dim(1), expected.dim(0)) : expected;
    if (!tensor.shape().equals(stored)) {
      throw unusable(
          "'%s' is %s, the base needs %s".formatted(tensor.name(), tensor.shape(), stored),
          "use the bundle of the base that it was trained on");
    }
    float scale = spec.scaled() ? (float) adapter.config().scaling(module) : 1;
    float[] values = tensor.floats();
    requireFinite(tensor, values);
    int rows = matrix ? Math.toIntExact(stored.dim(0)) : 1;
    Tensor turned = Tensor.ofFloats(spec.name(), expected, turned(values, rows, scale));
    // A layer of a lower rank than others has zeros in place of the rest.
    return turned.resized(spec.shape(rank, labels));
  }

  private static void requireFinite(Tensor tensor, float[] values) {
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw unusable("'%s' has the value %s".formatted(tensor.name(), value), "train it again");
      }
    }
  }

  /** The transpose of a matrix of so many rows, scaled; of one row, itself. */
  private static float[] turned(float[] values, int rows, float scale) {
    int columns = values.length / rows;
    float[] result = new float[values.length];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        result[column * rows + row] = values[row * columns + column] * scale;
      }
    }
    return result;
  }

  /** A lone half of a pair would silently act as none. */
  private void checkPairs(Map<String, Tensor> tensors) {
    for (ParameterSpec spec : bundle.parameters()) {
      String other = partner(spec.name());
      if (tensors.containsKey(spec.name()) && !other.isEmpty() && !tensors.containsKey(other)) {
        throw unusable(
            "it has '%s' without '%s'".formatted(spec.name(), other),
            "get the adapter again from where it was made");
      }
    }
  }

  /** Such an adapter would answer as the base does, and nobody would know. */
  private void requireEffect(Map<String, Tensor> tensors) {
    List<Tensor> products =
        bundle.parameters().stream()
            .filter(ParameterSpec::scaled)
            .flatMap(spec -> Stream.ofNullable(tensors.get(spec.name())))
            .toList();
    if (!products.isEmpty() && products.stream().noneMatch(AdapterFitting::hasNonZero)) {
      throw unusable(
          "lora_B times alpha/rank is zero in all of its %d layers, so it changes nothing"
              .formatted(products.size()),
          "train it, or ask for the bare base");
    }
  }

  private static boolean hasNonZero(Tensor tensor) {
    for (float value : tensor.floats()) {
      if (value != 0) {
        return true;
      }
    }
    return false;
  }

  private static String partner(String name) {
    if (name.endsWith(".lora_A")) {
      return name.substring(0, name.length() - 1) + "B";
    }
    if (name.endsWith(".lora_B")) {
      return name.substring(0, name.length() - 1) + "A";
    }
    return switch (name) {
      case "classifier.weight" -> "classifier.bias";
      case "classifier.bias" -> "classifier.weight";
      default -> "";
    };
  }

  private static UnusableArtifact unusable(String seen, String remedy) {
    return new UnusableArtifact("adapter", seen, remedy);
  }
}
