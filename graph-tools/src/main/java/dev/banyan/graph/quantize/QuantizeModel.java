package dev.banyan.graph.quantize;

import dev.banyan.artifacts.integrity.WorkFolder;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.QuantizeReport;
import dev.banyan.graph.QuantizeReport.Answers;
import dev.banyan.graph.QuantizeReport.Layer;
import dev.banyan.graph.QuantizeReport.Left;
import dev.banyan.graph.QuantizeReport.Size;
import dev.banyan.graph.QuantizeRequest;
import dev.banyan.graph.io.ModelFiles;
import dev.banyan.graph.io.NodeNotes;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.io.Simplify;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteDiscovery;
import dev.banyan.graph.site.TargetSelector;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Makes a model with weights of few bits of a model of floats: stores one weight after the other,
 * lets the operators for stored weights multiply by them, holds the result's answers against those
 * of the original, and only then puts it in its place.
 */
public final class QuantizeModel {
  private static final String NOTE = "banyan.quantization";

  private final QuantizeRequest request;
  private final OnnxFile source;
  private final long start = System.nanoTime();

  /**
   * The model of this request.
   *
   * @throws dev.banyan.artifacts.integrity.ArtifactException if it cannot be read
   */
  public QuantizeModel(QuantizeRequest request) {
    this.request = request;
    this.source = OnnxFile.read(request.model());
  }

  /**
   * Quantizes, measures and writes.
   *
   * @throws UnusableModel if no weight is left to be quantized, or one is not finite
   * @throws dev.banyan.graph.GraphFailure.NoSuchSite if what is to be left out is not there
   * @throws dev.banyan.runtime.RuntimeFailure if ONNX Runtime refuses the model
   */
  public QuantizeReport run() {
    Path out = request.out().file();
    try (WorkFolder scratch = WorkFolder.temporary("banyan-quantize-");
        WorkFolder staged = WorkFolder.beside(out);
        StoredWeights weights = new StoredWeights(scratch.path().resolve("stored.data"))) {
      Model model = OnnxReader.read(Simplify.of(source, scratch.path()));
      NodeNotes.carry(source, model);
      QuantizeLayers layers = new QuantizeLayers(request.quantization(), weights);
      QuantizeTables tables = new QuantizeTables(request.quantization(), weights);
      List<Left> left = store(model, layers, tables);
      layers.rewrite(model.graph());
      tables.rewrite(model.graph());
      List<Layer> all = new ArrayList<>(tables.layers());
      all.addAll(layers.layers());
      ModelFiles files = new ModelFiles(out, isExternal());
      List<Path> written = files.stage(described(model), staged.path());
      Answers answers = new OutputCheck(source).compare(source.path(), written.getFirst());
      Size size = new Size(source.size(), OnnxFile.read(written.getFirst()).size());
      return new QuantizeReport(
          staged.whole(() -> files.putInPlace(written)),
          request.quantization().text(),
          all,
          left,
          size,
          answers,
          Duration.ofNanos(System.nanoTime() - start));
    }
  }

  /** What stays as it is, and why. */
  private List<Left> store(Model model, QuantizeLayers layers, QuantizeTables tables) {
    SiteDiscovery.Found found = SiteDiscovery.inspect(model);
    List<Left> left = new ArrayList<>();
    found.unusable().forEach(site -> left.add(new Left(site.path(), site.reason())));
    Set<Site> linear =
        new HashSet<>(
            found.sites().isEmpty() || request.layers().head()
                ? found.sites()
                : selected(found, "all-linear", Optional.empty()));
    Optional<String> exclude = request.layers().exclude();
    Set<Site> wanted =
        new HashSet<>(exclude.isEmpty() ? found.sites() : selected(found, ".*", exclude));
    for (Site site : found.sites()) {
      if (!wanted.contains(site)) {
        left.add(new Left(site.path(), "--exclude names it"));
      } else if (!linear.contains(site)) {
        left.add(new Left(site.path(), "it is the output head; --include-head takes it too"));
      }
    }
    if (request.layers().embeddings()) {
      tables.store(model.graph());
    }
    layers.store(
        found.sites().stream()
            .filter(site -> wanted.contains(site) && linear.contains(site))
            .toList());
    left.addAll(layers.left());
    if (layers.layers().isEmpty() && tables.layers().isEmpty()) {
      throw new UnusableModel(
          "%s has no weight of floats to quantize%s"
              .formatted(
                  source.path(),
                  left.isEmpty()
                      ? ": it has no linear layer"
                      : "; of %d layers the first is '%s': %s"
                          .formatted(
                              left.size(), left.getFirst().path(), left.getFirst().reason())));
    }
    return left;
  }

  private static List<Site> selected(
      SiteDiscovery.Found found, String targets, Optional<String> exclude) {
    return new TargetSelector(targets, exclude, Optional.empty()).select(found.sites());
  }

  /** Weights stay where they were: in a file of their own or in the model. */
  private boolean isExternal() {
    try {
      return request.out().externalData() || source.size() > Files.size(source.path());
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + source.path(), e);
    }
  }

  /** Names the operator sets that are used and no others, and says how weights are stored. */
  private Model described(Model model) {
    Map<String, Integer> opsets = new TreeMap<>(model.opsets());
    opsets.putIfAbsent(OpId.MICROSOFT, 1);
    Set<String> used = new HashSet<>(Set.of(""));
    for (Node node : model.graph().nodes()) {
      used.add(node.op().domain());
      if (node.attributes().values().stream().anyMatch(Attribute.Opaque.class::isInstance)) {
        // What is in the branches of an If is not known here.
        used.addAll(opsets.keySet());
      }
    }
    opsets.keySet().retainAll(used);
    Map<String, String> notes = new TreeMap<>(model.metadata());
    notes.put(NOTE, request.quantization().text());
    return new Model(model.graph(), opsets, model.irVersion(), notes);
  }
}
