package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.AdapterInfo;
import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.BundleWriter;
import dev.banyan.artifacts.bundle.PromptFormat;
import dev.banyan.artifacts.bundle.TextInfo;
import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.PrepareReport;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.runtime.data.TextTokenizer;
import java.time.Duration;
import java.util.List;

/**
 * Makes a bundle of a decoder, for the next token: simplifies the model, drops its past, makes its
 * fused operators plain, writes each graph over one data file of frozen weights, and holds them
 * against the original.
 */
public final class DecoderBundle {
  private final PrepareRequest request;
  private final BundleRecipe recipe;
  private final long start = System.nanoTime();

  /** A builder of this bundle, for the next token. */
  public DecoderBundle(PrepareRequest request) {
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
    if (!request.held().isNone()) {
      throw new UnusableModel(
          "--bias and --modules-to-save are for encoders; a decoder's base stays as it is");
    }
    OnnxFile source = OnnxFile.read(request.model());
    PromptFormat format = new PromptFiles(request.tokenizer(), request.language()).format();
    try (BundleWriter writer = new BundleWriter(request.out());
        SourceModel model = SourceModel.simplify(source)) {
      DecoderSource decoder = model.decoder(request.weights().rules());
      DecoderFacts facts = writeGraphs(writer, decoder);
      requireTokenizerFits(facts, format);
      CommonFiles files = new CommonFiles(writer, request, facts.base());
      files.write(facts.opset(), facts.parameters());
      format.write(writer.path(Bundle.PROMPT_FORMAT));
      double difference =
          DecoderCheck.run(
              decoder, writer, facts, files.start(facts.parameters(), DecoderCheck.SIZES));
      Bundle bundle = writer.commit(manifest(source, facts));
      return new PrepareReport(bundle, difference, Duration.ofNanos(System.nanoTime() - start));
    }
  }

  private DecoderFacts writeGraphs(BundleWriter writer, DecoderSource decoder) {
    try (ExternalDataWriter weights = new ExternalDataWriter(writer.path(Bundle.BASE_DATA))) {
      OnnxWriter graphs = new OnnxWriter(weights);
      BaseGraph base = decoder.separated();
      DecoderFacts facts = DecoderFacts.of(base, recipe, request.maxLength());
      DecoderGraphs.Decoder judged = DecoderGraphs.forward(base, recipe.withoutDropout());
      graphs.write(judged.graph().model(), writer.path(Bundle.EVAL_MODEL));
      DecoderGraphs.Decoder trained =
          recipe.dropout() ? DecoderGraphs.forward(decoder.separated(), recipe) : judged;
      GradientGraph gradients = trained.withGradients(request.training());
      graphs.write(gradients.model(), writer.path(Bundle.GRADIENT_MODEL));
      graphs.write(TrainingGraphs.accumulating(gradients), writer.path(Bundle.TRAINING_MODEL));
      graphs.write(
          DecoderGraphs.serving(decoder.base(), recipe), writer.path(Bundle.SERVING_MODEL));
      if (TokenEmbeddings.areNeeded(facts.parameters())) {
        graphs.write(TokenEmbeddings.of(decoder.base()), writer.path(Bundle.TOKEN_EMBEDDINGS));
      }
      graphs.write(decoder.whole(request.weights().dequantized()), writer.path(Bundle.BASE_MODEL));
      LayersGraph.write(decoder.base(), recipe, graphs, writer.path(Bundle.LAYERS_MODEL));
      return facts;
    }
  }

  private void requireTokenizerFits(DecoderFacts facts, PromptFormat format) {
    try (TextTokenizer tokenizer = new TextTokenizer(request.tokenizer(), facts.maxLength())) {
      tokenizer.requireFits(facts.vocabulary());
      tokenizer.requireToken(format.endOfText());
    }
  }

  private BundleManifest manifest(OnnxFile source, DecoderFacts facts) {
    return new BundleManifest(
        request.task(),
        Origin.of(source).info(facts.frozen(), facts.hidden()),
        new TextInfo(facts.inputs(), request.pooling(), facts.maxLength(), facts.positions()),
        new AdapterInfo(facts.placement().infos(), "", BiasTraining.NONE, List.of()),
        facts.parameters());
  }
}
