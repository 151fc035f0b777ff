package dev.banyan.runtime.inference;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.runtime.data.Batch;
import dev.banyan.runtime.data.Batch.Padding;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.data.TextTokenizer;
import dev.banyan.runtime.data.Vocabulary;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One loaded base with room for adapters. {@link #run} belongs to one thread; the bank may be
 * written and the tokenizer used by others.
 */
public final class BaseModel implements AutoCloseable {
  private static final String EMBEDDINGS = "embeddings";
  private static final String LOGITS = "logits";
  private static final String ADAPTER_IDS = "adapter_ids";

  private final Bundle bundle;
  private final InferenceSession session;
  private final SlotBank bank;
  private final TextTokenizer tokenizer;
  private final List<String> outputs;

  private BaseModel(
      Bundle bundle, InferenceSession session, SlotBank bank, TextTokenizer tokenizer) {
    this.bundle = bundle;
    this.session = session;
    this.bank = bank;
    this.tokenizer = tokenizer;
    this.outputs = session.outputs().stream().map(TensorPort::name).toList();
  }

  /**
   * Loads the serving graph of a bundle and allocates the bank.
   *
   * @throws dev.banyan.runtime.RuntimeFailure if the tokenizer does not belong to the model, the
   *     bank is too large, or ORT does not load the graph
   */
  public static BaseModel open(Bundle bundle, ServingPlan plan) {
    BundleManifest manifest = bundle.manifest();
    if (manifest.task() == Task.CAUSAL_LM) {
      throw new InferenceFailure.GraphMismatch(
          "The bundle %s is for causal-lm: its serving graph gives the logits of given tokens, and the generation of text is not there yet"
              .formatted(bundle.dir()));
    }
    Path graph = bundle.file(Bundle.SERVING_MODEL);
    try (Opening opening = new Opening()) {
      TextTokenizer tokenizer =
          opening.add(
              new TextTokenizer(bundle.file(Bundle.TOKENIZER), manifest.text().maxLength()));
      Vocabulary.rows(OnnxFile.read(graph)).ifPresent(tokenizer::requireFits);
      SlotBank bank = opening.add(new SlotBank(manifest.parameters(), BaseValues.of(bundle), plan));
      InferenceSession session = opening.add(InferenceSession.open(graph, plan.session()));
      BaseModel model = new BaseModel(bundle, session, bank, tokenizer);
      model.requireInputs(graph);
      opening.done();
      return model;
    }
  }

  private void requireInputs(Path graph) {
    Set<String> given = new LinkedHashSet<>(manifest().text().inputs());
    given.add(ADAPTER_IDS);
    given.addAll(bank.feeds().keySet());
    Set<String> asked = new LinkedHashSet<>();
    session.inputs().forEach(input -> asked.add(input.name()));
    if (!given.equals(asked) || !outputs.contains(EMBEDDINGS)) {
      throw new InferenceFailure.GraphMismatch(
          "%s takes %s and gives %s, but the manifest of its bundle says %s; prepare the bundle again"
              .formatted(graph, asked, outputs, given));
    }
  }

  /** The description of the bundle this was opened from. */
  public BundleManifest manifest() {
    return bundle.manifest();
  }

  /** The bundle this was opened from. */
  public Bundle bundle() {
    return bundle;
  }

  /** Room for adapters. */
  public SlotBank bank() {
    return bank;
  }

  /** The tokenizer of the base. */
  public TextTokenizer tokenizer() {
    return tokenizer;
  }

  /**
   * Answers a batch, each row by its own adapter.
   *
   * @param rows at least one; the cost grows with the longest
   * @throws IllegalArgumentException if there is no row, or a row has no such slot
   * @throws dev.banyan.runtime.ort.OrtFailure.RunFailed if a kernel fails
   */
  public BatchOutput run(List<Row> rows) {
    int[] learned = rows.stream().mapToInt(row -> bank.tokens(bank.require(row.slot()))).toArray();
    // As long as what was given, whatever is cut of it: answers of tokens keep their places.
    int longest = rows.stream().mapToInt(row -> row.encoding().length()).max().orElseThrow();
    List<List<Integer>> parts = BatchParts.of(learned, longest);
    return BatchOutput.joined(
        parts,
        parts.stream().map(part -> run(part.stream().map(rows::get).toList(), longest)).toList());
  }

  private BatchOutput run(List<Row> rows, int longest) {
    long[] slots = rows.stream().mapToLong(Row::slot).toArray();
    Batch batch =
        Batch.of(
            rows.stream().map(this::fitting).toList(), new Padding(tokenizer.padId(), longest));
    try (TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = batch.feeds(scope, manifest().text().inputs());
      feeds.put(ADAPTER_IDS, scope.longs(slots, slots.length));
      feeds.putAll(bank.feeds());
      try (OutputTensors out = session.run(feeds, outputs)) {
        float[] logits = outputs.contains(LOGITS) ? out.floats(LOGITS) : new float[0];
        boolean tokens = manifest().task().head() == Task.Head.TOKENS;
        return new BatchOutput(
            slots.length, out.floats(EMBEDDINGS), logits, tokens ? batch.length() : 1);
      }
    }
  }

  /** The text, cut where the model has no room for it behind the adapter's learned tokens. */
  private Encoding fitting(Row row) {
    return row.encoding().cut(manifest().text().maxLengthBehind(bank.tokens(row.slot())));
  }

  /** Unloads everything; closing twice does nothing. */
  @Override
  public void close() {
    session.close();
    bank.close();
    tokenizer.close();
  }

  /** Closes what was opened if the rest could not be. */
  private static final class Opening implements AutoCloseable {
    private final Deque<AutoCloseable> parts = new ArrayDeque<>();

    <T extends AutoCloseable> T add(T part) {
      parts.push(part);
      return part;
    }

    void done() {
      parts.clear();
    }

    @Override
    public void close() {
      for (AutoCloseable part : parts) {
        try {
          part.close();
        } catch (Exception e) {
          throw new IllegalStateException("Closing " + part + " failed", e);
        }
      }
    }
  }
}
