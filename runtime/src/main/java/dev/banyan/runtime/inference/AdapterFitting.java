package dev.banyan.runtime.inference;

import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.PackedParts;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.Neutral;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.bundle.TextInfo;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.integrity.WrongBase;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.base.LayerFactors;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** One adapter being checked and converted, tensor by tensor. */
final class AdapterFitting {
  private final PeftAdapter adapter;
  private final BundleManifest bundle;
  private final ServingPlan limits;
  private final AdapterTensors tensors;

  AdapterFitting(PeftAdapter adapter, BundleManifest bundle, ServingPlan limits) {
    this.adapter = new PackedParts(bundle.parameters()).unpack(adapter);
    this.bundle = bundle;
    this.limits = limits;
    this.tensors = new AdapterTensors(this.adapter, bundle);
  }

  AdapterWeights fit(Digest digest) {
    checkBase();
    Task task = task();
    checkMethods();
    List<String> labels = labels();
    Sizes sizes = sizes(labels.size());
    TensorFitting conversion = new TensorFitting(adapter.config(), sizes);
    Map<String, Tensor> fitted = new HashMap<>();
    tensors.found().forEach((spec, tensor) -> fitted.put(spec.name(), conversion.of(spec, tensor)));
    tensors
        .unknown()
        .ifPresent(
            name -> {
              throw unusable(
                  "it has '%s', which this bundle (%s) does not adapt"
                      .formatted(name, bundle.adapter().targets()),
                  remedy(name));
            });
    requireEffect(fitted);
    return new AdapterWeights(digest, task, labels, sizes, fitted);
  }

  /** Tensors of such a method would be called unknown, which does not help anyone. */
  private void checkMethods() {
    for (MethodName method : adapter.config().methods()) {
      boolean present =
          bundle.adapter().methods().stream()
              .anyMatch(prepared -> prepared.name().storedAs() == method);
      boolean needed =
          switch (method.kind()) {
            case LAYERS -> !adapter.config().targetModules().isEmpty();
            case WEIGHTS -> false;
            case MODEL -> true;
          };
      if (!present && needed) {
        throw unusable(
            "it is of the method %s, and this bundle is prepared for %s"
                .formatted(method.text(), bundle.adapter().targets()),
            "prepare a bundle of the base with --method %s too".formatted(method.text()));
      }
    }
    OwnSettings.requireFit(adapter.config(), bundle.adapter());
  }

  /** Of each size the largest that a layer has. */
  private Sizes sizes(int labels) {
    Sizes sizes = Sizes.of(1, 1).with(Size.LABELS, Math.max(1, labels));
    for (Map.Entry<ParameterSpec, Tensor> each : tensors.found().entrySet()) {
      for (String dim : each.getKey().dims()) {
        Size size = Size.of(dim).filter(s -> s != Size.LABELS).orElse(null);
        if (size != null) {
          sizes = sizes.with(size, Math.max(sizes.of(size), sizeOf(size, each)));
        }
      }
    }
    if (start().isPresent()) {
      // The factors that it counts from come behind its own.
      sizes = sizes.with(Size.RANK, 2 * sizes.of(Size.RANK));
    }
    for (Size size : Size.values()) {
      requireRoom(size, sizes.of(size));
    }
    requireMultiples(sizes.of(Size.RANK));
    requirePositions();
    return sizes;
  }

  /** The factors of the base that the adapter counts from, by layer; mostly none. */
  Map<String, LayerFactors.Wanted> starts() {
    Map<String, LayerFactors.Wanted> starts = new HashMap<>();
    MethodName method = start().orElse(null);
    for (Map.Entry<ParameterSpec, Tensor> each : tensors.found().entrySet()) {
      ParameterSpec spec = each.getKey();
      if (method != null && spec.name().endsWith(".lora_B")) {
        String module = AdapterTensors.module(spec, each.getValue());
        double scaling = adapter.config().scaling(MethodName.LORA, module);
        int rank = sizeOf(Size.RANK, each);
        starts.put(spec.site(), new LayerFactors.Wanted(method, rank, scaling));
      }
    }
    return starts;
  }

  private Optional<MethodName> start() {
    return adapter.config() instanceof LoraConfig lora ? lora.start() : Optional.empty();
  }

  /** What is filled up by repeating fits only where it ends with a whole number of repetitions. */
  private void requireMultiples(int highest) {
    for (Map.Entry<ParameterSpec, Tensor> each : tensors.found().entrySet()) {
      if (each.getKey().repeats()) {
        int rank = sizeOf(Size.RANK, each);
        int room = limits.isAnySize() ? highest : limits.room().of(Size.RANK);
        if (highest % rank != 0 || room % rank != 0) {
          throw unusable(
              "its blocks have %d rows, and a room of %d is no multiple of that"
                  .formatted(rank, room),
              "start the server with --max-rank %d".formatted(nextMultiple(rank, room)));
        }
      }
    }
  }

  private static int nextMultiple(int rank, int room) {
    return Math.ceilDiv(room, rank) * rank;
  }

  /** A text that is left no place would be answered by the prompt alone. */
  private void requirePositions() {
    long learned =
        tensors.found().entrySet().stream()
            .filter(each -> each.getKey().isCounted())
            .mapToLong(each -> each.getValue().shape().dim(0))
            .sum();
    if (bundle.text().maxLengthBehind(Math.toIntExact(learned)) < TextInfo.SHORTEST) {
      throw unusable(
          "it has %d virtual tokens, and the base takes %d of prompt and text"
              .formatted(learned, bundle.text().positions().orElse(0)),
          "train one of fewer");
    }
  }

  private int sizeOf(Size size, Map.Entry<ParameterSpec, Tensor> found) {
    String module = AdapterTensors.module(found.getKey(), found.getValue());
    OptionalInt own = adapter.config().partOf(found.getKey()).size(size, module);
    return own.orElseThrow(
        () -> unusable("its configuration has no " + size.text(), "get the adapter again"));
  }

  private void requireRoom(Size size, int value) {
    int room = limits.room().of(size);
    if (value > room && size != Size.LABELS) {
      throw unusable(
          "its %s is %d, the server has room for %d".formatted(size.text(), value, room),
          "start the server with --max-%s %d or train with a lower %s"
              .formatted(size.text(), value, size.text()));
    }
  }

  private String remedy(String tensor) {
    if (!tensor.startsWith(AdapterTensors.PREFIX)) {
      return "get the adapter again from where it was made";
    }
    String bias = adapter.config().bias();
    if (tensor.endsWith(".bias") && !bias.equals("none")) {
      return "prepare a bundle with --bias " + bias;
    }
    if (tensor.contains(".ln_tuning_layers.")) {
      return "prepare a bundle of the base with --method norms";
    }
    int lora = tensor.lastIndexOf(".lora_");
    if (lora > 0 && !isOfMethod(tensor)) {
      return "prepare a bundle whose targets name "
          + tensor.substring(AdapterTensors.PREFIX.length(), lora);
    }
    return isOfMethod(tensor)
        ? "prepare a bundle with targets that include it, for instance all-linear"
        : "prepare a bundle with --modules-to-save "
            + tensor.substring(AdapterTensors.PREFIX.length(), tensor.lastIndexOf('.'));
  }

  /** Whether some layer of the bundle has a parameter whose key ends alike. */
  private boolean isOfMethod(String tensor) {
    return bundle.parameters().stream()
        .filter(spec -> spec.method().isPresent() && spec.peftKey().startsWith(spec.site()))
        .map(spec -> spec.peftKey().substring(spec.site().length()))
        .anyMatch(tensor::endsWith);
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
            .flatMap(spec -> Optional.ofNullable(tensors.found().get(spec)).stream())
            .map(bias -> Math.toIntExact(bias.shape().elements()))
            .findFirst();
    int count = rows.orElse(0);
    int room = limits.room().of(Size.LABELS);
    if (count > room) {
      throw unusable(
          "it has %d labels, the server has room for %d".formatted(count, room),
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

  /** Such an adapter would answer as the base does, and nobody would know. */
  private void requireEffect(Map<String, Tensor> fitted) {
    List<ParameterSpec> telling =
        tensors.found().keySet().stream().filter(Neutral::isTelling).toList();
    if (!telling.isEmpty()
        && telling.stream()
            .allMatch(spec -> Neutral.is(spec, Objects.requireNonNull(fitted.get(spec.name()))))) {
      ParameterSpec first = telling.getFirst();
      throw unusable(
          "'%s' is as at its start, and so are all of its kind (%d), so it changes nothing"
              .formatted(first.name(), telling.size()),
          "train it, or ask for the bare base");
    }
  }

  static UnusableArtifact unusable(String seen, String remedy) {
    return new UnusableArtifact("adapter", seen, remedy);
  }
}
