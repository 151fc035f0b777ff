package dev.banyan.server.compare;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.EmbeddingInfo;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.MethodChoice;
import dev.banyan.server.compare.ComparisonPlan.Source;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The base of {@code banyan compare}: a model, or that of a bundle. */
final class BaseOptions {
  private static final String EVERY_LAYER = "all-linear";

  @Option(
      names = "--bundle",
      paramLabel = "BUNDLE",
      description =
          "Compare on the base of this bundle, for its task and with its tokenizer, pooling, length"
              + " and targets, instead of --model, --tokenizer and --task.")
  private @Nullable Path bundle;

  @Option(names = "--model", paramLabel = "M.onnx", description = "The encoder.")
  private @Nullable Path model;

  @Option(names = "--tokenizer", paramLabel = "tokenizer.json", description = "Its tokenizer.")
  private @Nullable Path tokenizer;

  @Option(
      names = "--task",
      paramLabel = "TASK",
      description = "What is learned, as in 'banyan prepare'; not causal-lm.")
  private @Nullable String task;

  @Option(
      names = "--targets",
      paramLabel = "TARGETS",
      description =
          "Layers of methods that do not name their own (default: those of the bundle, or all-linear).")
  private @Nullable String targets;

  @Option(
      names = "--pooling",
      paramLabel = "POOLING",
      description = "How token vectors become one (default: that of the bundle, or mean).")
  private @Nullable String pooling;

  @Option(
      names = "--max-length",
      paramLabel = "N",
      description = "Tokens after which a text is cut (default: as in the bundle, or 256).")
  private @Nullable Integer maxLength;

  /**
   * What was chosen.
   *
   * @throws IllegalArgumentException that begins with the option at fault, without its dashes
   * @throws dev.banyan.artifacts.integrity.ArtifactException if the bundle cannot be used
   */
  Source source() {
    if (bundle != null && (model != null || tokenizer != null || task != null)) {
      throw new IllegalArgumentException(
          "bundle has a base, a tokenizer and a task; leave out --model, --tokenizer and --task");
    }
    Source source = bundle == null ? ofModel() : ofBundle(Bundle.openVerified(bundle));
    if (source.task() == Task.CAUSAL_LM) {
      throw new IllegalArgumentException(
          "%s is for causal-lm, which is not compared: its adapters are not judged yet"
              .formatted(bundle == null ? "task" : "bundle"));
    }
    return source;
  }

  private Source ofModel() {
    if (model == null || tokenizer == null || task == null) {
      throw new IllegalArgumentException(
          "bundle is missing, or --model, --tokenizer and --task: name one base to compare on");
    }
    String text = task;
    Task wanted =
        Task.of(text)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "task is '" + text + "'; expected " + Task.names()));
    return new Source(
        String.valueOf(model.getFileName()),
        model,
        tokenizer,
        wanted,
        Objects.requireNonNullElse(targets, EVERY_LAYER),
        pooling().orElse(Pooling.MEAN),
        maxLength == null ? OptionalInt.empty() : OptionalInt.of(maxLength),
        EmbeddingInfo.pairs());
  }

  private Source ofBundle(Bundle opened) {
    if (!opened.has(Bundle.BASE_MODEL)) {
      throw new IllegalArgumentException(
          "bundle %s is of an older version, without its base; prepare it anew, or name --model, --tokenizer and --task"
              .formatted(opened.dir()));
    }
    BundleManifest manifest = opened.manifest();
    if (pooling().equals(Optional.of(Pooling.POOLER))
        && manifest.text().pooling() != Pooling.POOLER) {
      throw new IllegalArgumentException(
          "pooling is pooler, which the bundle's base is without, as it was prepared for %s; name --model, --tokenizer and --task instead"
              .formatted(manifest.text().pooling().text()));
    }
    return new Source(
        manifest.base().name(),
        opened.file(Bundle.BASE_MODEL),
        opened.file(Bundle.TOKENIZER),
        manifest.task(),
        Objects.requireNonNullElseGet(targets, () -> MethodChoice.layersOf(manifest).targets()),
        pooling().orElse(manifest.text().pooling()),
        OptionalInt.of(maxLength == null ? manifest.text().maxLength() : maxLength),
        manifest.embedding().orElseGet(EmbeddingInfo::pairs));
  }

  private Optional<Pooling> pooling() {
    return Optional.ofNullable(pooling)
        .map(
            text ->
                Pooling.of(text)
                    .orElseThrow(
                        () ->
                            new IllegalArgumentException(
                                "pooling is '" + text + "'; expected mean, cls or pooler")));
  }
}
