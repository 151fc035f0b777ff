package dev.banyan.server.inference;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.combine.AdapterCombination;
import dev.banyan.artifacts.combine.CombinationRecipe;
import dev.banyan.artifacts.combine.CombinationType;
import dev.banyan.artifacts.combine.WeightedAdapter;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.data.Text;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.BatchOutput;
import dev.banyan.runtime.inference.InferenceFailure;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.server.adapter.AdapterVersion;
import dev.banyan.server.adapter.Mixture;
import dev.banyan.server.problem.ServerProblem;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** The base of a bundle with its bank of slots, in ONNX Runtime. */
public final class BankedModel implements TextModel {
  private final BaseModel base;
  private final ServingPlan plan;
  private final String name;

  private BankedModel(BaseModel base, ServingPlan plan) {
    this.base = base;
    this.plan = plan;
    this.name = base.manifest().base().name().replaceFirst("\\.onnx$", "");
  }

  /**
   * Loads the base and allocates the bank.
   *
   * @throws dev.banyan.artifacts.integrity.ArtifactException if the folder is no sound bundle
   * @throws dev.banyan.runtime.RuntimeFailure if the model does not load
   */
  public static BankedModel open(Path bundle, ServingPlan plan) {
    Bundle opened = Bundle.open(bundle);
    // Reading every byte takes as long as loading the graph: both at once.
    CompletableFuture<Void> verified = CompletableFuture.runAsync(opened::verify);
    BaseModel base = BaseModel.open(opened, plan);
    try {
      verified.join();
    } catch (CompletionException e) {
      base.close();
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
    return new BankedModel(base, plan);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Digest digest() {
    return base.manifest().base().digest();
  }

  @Override
  public List<Encoding> encode(List<String> texts) {
    return base.tokenizer().encodeAll(texts.stream().map(Text::of).toList());
  }

  @Override
  public Prepared prepare(Path directory) {
    return fitted(PeftAdapter.read(directory));
  }

  @Override
  public Prepared mix(Mixture mixture, List<AdapterVersion> versions) {
    List<WeightedAdapter> adapters = new ArrayList<>();
    for (int i = 0; i < versions.size(); i++) {
      String name = versions.get(i).name().toString();
      double weight = mixture.parts().get(i).weight();
      adapters.add(new WeightedAdapter(name, read(versions.get(i)), weight));
    }
    CombinationRecipe sum = CombinationRecipe.of(CombinationType.CAT);
    PeftAdapter mixed = new AdapterCombination(adapters, sum, mixture.head()).combine().adapter();
    int rank = mixed.lora().rank();
    if (rank > plan.room().of(Size.RANK)) {
      throw new UnusableArtifact(
          "adapters",
          "their ranks add up to %d, the server has room for %d"
              .formatted(rank, plan.room().of(Size.RANK)),
          "start the server with --max-rank %d, or make one adapter of them by 'banyan combine'"
              .formatted(rank));
    }
    return fitted(mixed);
  }

  /** The files of a version, and not those that have come since. */
  private static PeftAdapter read(AdapterVersion version) {
    PeftAdapter adapter = PeftAdapter.read(version.directory());
    if (!adapter.digest().equals(version.digest())) {
      throw new UnusableArtifact(
          version.name().toString(),
          "its files are other than those that were loaded",
          "load it again by POST /v1/adapters");
    }
    return adapter;
  }

  @Override
  public void freed(int slot) {
    base.bank().release(slot);
  }

  @Override
  public boolean isScarce(int slot) {
    return base.bank().isSharing(slot);
  }

  private Prepared fitted(PeftAdapter adapter) {
    AdapterWeights weights = AdapterWeights.fit(adapter, base.bundle(), plan);
    requireAnswerable(weights.task());
    return new Prepared() {
      @Override
      public Digest digest() {
        return weights.digest();
      }

      @Override
      public Task task() {
        return weights.task();
      }

      @Override
      public List<String> labels() {
        return weights.labels();
      }

      @Override
      public void writeTo(int slot) {
        try {
          base.bank().write(slot, weights);
        } catch (InferenceFailure.NoFreeSet e) {
          throw new ServerProblem.NoFreeSlot(String.valueOf(e.getMessage()));
        }
      }
    };
  }

  private static void requireAnswerable(Task task) {
    if (task.head() == Task.Head.TOKENS) {
      throw new UnusableArtifact(
          "adapter",
          "it was trained for %s, which this server has no operation for".formatted(task.text()),
          "judge it with 'banyan evaluate', or run the bundle's serving_model.onnx");
    }
  }

  @Override
  public List<RowAnswer> run(List<ModelRow> rows) {
    BatchOutput output =
        base.run(rows.stream().map(row -> new Row(row.encoding(), row.slot())).toList());
    List<RowAnswer> answers = new ArrayList<>(rows.size());
    for (int i = 0; i < rows.size(); i++) {
      int labels = rows.get(i).labels();
      float[] logits = labels == 0 ? new float[0] : output.logits(i, labels);
      answers.add(new RowAnswer(output.embedding(i), logits));
    }
    return answers;
  }

  @Override
  public void close() {
    base.close();
  }
}
