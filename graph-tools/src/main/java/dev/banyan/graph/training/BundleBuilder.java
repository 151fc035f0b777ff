package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.AdapterInfo;
import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.BundleWriter;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.bundle.TextInfo;
import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.PrepareReport;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteDiscovery;
import dev.banyan.graph.site.WeightCount;
import dev.banyan.runtime.data.TextTokenizer;
import dev.banyan.runtime.ort.SessionSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes a bundle: simplifies the model, makes each graph of a base of its own, writes them over one
 * data file of frozen weights, holds them against the original, and only then puts the folder in
 * its place.
 */
public final class BundleBuilder {
  private final PrepareRequest request;
  private final BundleRecipe recipe;
  private final long start = System.nanoTime();

  /** A builder of this bundle. */
  public BundleBuilder(PrepareRequest request) {
    this.request = request;
    this.recipe = BundleRecipe.of(request);
  }

  /**
   * Builds, checks and writes.
   *
   * @throws dev.banyan.graph.GraphFailure if the model cannot be prepared
   * @throws dev.banyan.artifacts.integrity.ArtifactException if a file cannot be used
   * @throws dev.banyan.runtime.RuntimeFailure if ONNX Runtime refuses the model, or the tokenizer
   *     is of no use with it
   */
  public PrepareReport build() {
    OnnxFile source = OnnxFile.read(request.model());
    try (BundleWriter writer = new BundleWriter(request.out());
        SourceModel model = SourceModel.simplify(source, request.weights().rules())) {
      Plan plan = plan(model);
      writeGraphs(writer, model, plan);
      new CommonFiles(writer, request, plan.base()).write(plan.opset(), plan.parameters());
      double difference = check(writer, plan);
      Bundle bundle = writer.commit(manifest(source, plan));
      return new PrepareReport(bundle, difference, Duration.ofNanos(System.nanoTime() - start));
    }
  }

  /** What is known before the graphs are made. */
  private record Plan(
      TextLimits limits,
      int maxLength,
      long hidden,
      String encoderOutput,
      long frozen,
      int opset,
      List<ParameterSpec> parameters,
      BaseValues base,
      TextInfo text,
      AdapterInfo adapter) {}

  private Plan plan(SourceModel model) {
    requirePoolingFits();
    BaseGraph base = model.base(request.pooling());
    Graph graph = base.graph();
    TextLimits limits = TextLimits.of(graph);
    int maxLength = limits.maxLength(request.maxLength());
    try (TextTokenizer tokenizer = new TextTokenizer(request.tokenizer(), maxLength)) {
      tokenizer.requireFits(limits.vocabulary());
    }
    Placement placement = recipe.place(base.model());
    EncoderPorts ports = EncoderPorts.of(graph);
    return new Plan(
        limits,
        maxLength,
        ports.hidden(),
        ports.output(request.pooling()).name(),
        WeightCount.of(graph),
        base.model().opset(),
        parameters(placement, ports.hidden()),
        placement.baseValues(),
        new TextInfo(
            graph.inputs().stream().map(Value::name).toList(),
            request.pooling(),
            maxLength,
            limits.most()),
        new AdapterInfo(
            placement.infos(),
            PeftPrefix.of(request.task(), graph, prefixed(base, placement)),
            request.held().bias(),
            request.held().modules()));
  }

  /** Paths that tell the architecture: where no layers are adapted those of all layers. */
  private static List<String> prefixed(BaseGraph base, Placement placement) {
    List<Site> adapted = placement.layers();
    List<Site> telling = adapted.isEmpty() ? SiteDiscovery.of(base.model()) : adapted;
    return telling.stream().map(Site::path).toList();
  }

  /**
   * The model's own pooler is behind the token vectors: nothing that it does reaches their labels.
   */
  private void requirePoolingFits() {
    if (request.task().head() == Task.Head.TOKENS && request.pooling() == Pooling.POOLER) {
      throw new UnusableModel(
          "Pooling 'pooler' does not go with the task %s, which labels tokens; use --pooling mean or cls (for the embeddings that are served beside)"
              .formatted(request.task().text()));
    }
  }

  private List<ParameterSpec> parameters(Placement placement, long hidden) {
    List<ParameterSpec> specs = new ArrayList<>(placement.parameters());
    if (request.task().head() != Task.Head.NONE) {
      specs.addAll(new Head(hidden).parameters());
    }
    return specs;
  }

  private void writeGraphs(BundleWriter writer, SourceModel model, Plan plan) {
    try (ExternalDataWriter weights = new ExternalDataWriter(writer.path(Bundle.BASE_DATA))) {
      OnnxWriter graphs = new OnnxWriter(weights);
      ForwardGraph judged = forward(model, recipe.withoutDropout());
      graphs.write(judged.model(), writer.path(Bundle.EVAL_MODEL));
      ForwardGraph trained = recipe.dropout() ? forward(model, recipe) : judged;
      GradientGraph gradients = TrainingGraphs.withGradients(trained, request.training());
      graphs.write(gradients.model(), writer.path(Bundle.GRADIENT_MODEL));
      FrozenPrefix.of(gradients, plan.text().inputs())
          .ifPresent(prefix -> writeCut(prefix, graphs, writer, model));
      graphs.write(TrainingGraphs.accumulating(gradients), writer.path(Bundle.TRAINING_MODEL));
      graphs.write(
          ServingGraph.of(model.base(request.pooling()), recipe),
          writer.path(Bundle.SERVING_MODEL));
      if (TokenEmbeddings.areNeeded(plan.parameters())) {
        graphs.write(
            TokenEmbeddings.of(model.base(request.pooling())),
            writer.path(Bundle.TOKEN_EMBEDDINGS));
      }
      graphs.write(model.base(request.pooling()).noted(), writer.path(Bundle.BASE_MODEL));
      BaseGraph layers = model.base(request.pooling());
      LayersGraph.write(layers, recipe, graphs, writer.path(Bundle.LAYERS_MODEL));
      if (request.training().gang()) {
        BaseGraph base = model.base(request.pooling());
        graphs.write(
            GangGraph.of(base, recipe, request.training()).model(),
            writer.path(Bundle.GANG_GRADIENT_MODEL));
      }
    }
  }

  /** What is below the lowest adapter as a graph of its own, and the graphs of training over it. */
  private void writeCut(
      FrozenPrefix prefix, OnnxWriter graphs, BundleWriter writer, SourceModel model) {
    ForwardGraph below = forward(model, recipe.withoutDropout());
    prefix.keepBelow(below.model().graph());
    graphs.write(below.model(), writer.path(Bundle.PREFIX_MODEL));
    ForwardGraph judged = forward(model, recipe.withoutDropout());
    prefix.cut(judged.model().graph());
    graphs.write(judged.model(), writer.path(Bundle.SUFFIX_EVAL_MODEL));
    ForwardGraph trained = judged;
    if (recipe.dropout()) {
      trained = forward(model, recipe);
      prefix.cut(trained.model().graph());
    }
    graphs.write(
        TrainingGraphs.withGradients(trained, request.training()).model(),
        writer.path(Bundle.SUFFIX_GRADIENT_MODEL));
  }

  private ForwardGraph forward(SourceModel model, BundleRecipe of) {
    return TrainingGraphs.forward(model.base(request.pooling()), of);
  }

  private double check(BundleWriter writer, Plan plan) {
    Path serving = writer.path(Bundle.SERVING_MODEL);
    SessionSettings settings =
        SessionSettings.defaults().sparing(size(writer.path(Bundle.BASE_DATA)));
    List<RandomBatch> batches = SelfCheck.batches(plan.limits(), plan.maxLength());
    List<float[]> expected;
    // One model after the other: both at once would need twice the memory.
    try (OriginalModel original =
        new OriginalModel(request.model(), plan.encoderOutput(), request.pooling(), settings)) {
      expected = batches.stream().map(original::embed).toList();
    }
    try (SelfCheck check = new SelfCheck(serving, plan.parameters(), settings)) {
      return check.run(batches, expected, plan.limits(), plan.maxLength());
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + file, e);
    }
  }

  private BundleManifest manifest(OnnxFile source, Plan plan) {
    BundleManifest manifest =
        new BundleManifest(
            request.task(),
            Origin.of(source).info(plan.frozen(), plan.hidden()),
            plan.text(),
            plan.adapter(),
            plan.parameters());
    return manifest.with(request.embedding());
  }
}
