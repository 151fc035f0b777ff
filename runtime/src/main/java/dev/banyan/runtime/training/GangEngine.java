package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * One forward and backward pass for several adapters, in a plain session. Each adapter keeps its
 * parameters to itself, in their own shapes; for a pass they are copied into slots of banks, which
 * are made anew when other adapters take part.
 */
final class GangEngine implements AutoCloseable {
  private static final String ROW_LOSSES = "row_losses";

  private final BundleManifest manifest;
  private final InferenceSession session;
  private final int[] sites;
  private List<TrainedParameters> adapters = List.of();
  private List<GangBank> banks = List.of();
  private Arena arena = Arena.ofShared();

  private GangEngine(BundleManifest manifest, InferenceSession session) {
    this.manifest = manifest;
    this.session = session;
    this.sites = sites(manifest);
  }

  /**
   * Loads a bundle's graph.
   *
   * @throws dev.banyan.runtime.ort.OrtFailure if it is refused
   */
  static GangEngine open(Bundle bundle, SessionSettings settings) {
    return new GangEngine(
        bundle.manifest(),
        InferenceSession.open(bundle.file(Bundle.GANG_GRADIENT_MODEL), settings));
  }

  /** What a job takes part in a pass with. */
  record Part(GangRows rows, TrainedParameters adapter) {}

  /**
   * Computes each adapter's gradients by its own rows. One job's numbers that are none would reach
   * others in the sum over rows; then each is computed alone.
   *
   * @param padId the token that fills up short rows
   * @return the loss of each
   */
  List<Float> pass(List<Part> parts, long padId) {
    lineUp(parts.stream().map(Part::adapter).toList());
    List<Float> losses = run(parts.stream().map(Part::rows).toList(), padId);
    boolean finite =
        losses.stream().allMatch(Float::isFinite) && banks.stream().allMatch(GangBank::isFinite);
    if (finite || parts.size() == 1) {
      return losses;
    }
    return parts.stream().map(part -> pass(List.of(part), padId).getFirst()).toList();
  }

  @SuppressWarnings("MustBeClosedChecker") // The next call or close() closes it.
  private void lineUp(List<TrainedParameters> now) {
    if (adapters.equals(now)) {
      return;
    }
    arena.close();
    arena = Arena.ofShared();
    adapters = now;
    List<GangBank> made = new ArrayList<>();
    for (int i = 0; i < manifest.parameters().size(); i++) {
      ParameterSpec spec = manifest.parameters().get(i);
      int index = i;
      List<TrainedParameter> each = now.stream().map(adapter -> adapter.all().get(index)).toList();
      made.add(new GangBank(spec, each, widest(each), arena));
    }
    banks = List.copyOf(made);
  }

  private static Shape widest(List<TrainedParameter> parameters) {
    int axes = parameters.getFirst().shape().rank();
    return Shape.of(
        IntStream.range(0, axes)
            .mapToLong(
                axis ->
                    parameters.stream()
                        .mapToLong(parameter -> parameter.shape().dim(axis))
                        .max()
                        .orElseThrow())
            .toArray());
  }

  private List<Float> run(List<GangRows> jobs, long padId) {
    try (TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds =
          new GangBatch(manifest.task(), manifest.text().inputs(), padId).feeds(scope, jobs);
      Map<String, NativeTensor> pinned = new LinkedHashMap<>();
      for (int i = 0; i < banks.size(); i++) {
        GangBank bank = banks.get(i);
        for (int slot = 0; slot < jobs.size(); slot++) {
          bank.write(slot, jobs.get(slot).scaling(sites[i]));
        }
        feeds.put(bank.name(), bank.values(scope));
        pinned.put(bank.gradientName(), bank.gradients(scope));
      }
      try (OutputTensors outputs = session.run(feeds, List.of(ROW_LOSSES), pinned)) {
        readGradients(jobs);
        return losses(outputs.floats(ROW_LOSSES), jobs);
      }
    }
  }

  private void readGradients(List<GangRows> jobs) {
    for (int i = 0; i < banks.size(); i++) {
      for (int slot = 0; slot < jobs.size(); slot++) {
        banks.get(i).read(slot, jobs.get(slot).scaling(sites[i]));
      }
    }
  }

  /** Index of each parameter's layer; 0 for one that belongs to none, and is not scaled. */
  private static int[] sites(BundleManifest manifest) {
    return manifest.parameters().stream()
        .map(ParameterSpec::site)
        .mapToInt(layer -> Math.max(0, manifest.adapter().sites().indexOf(layer)))
        .toArray();
  }

  private static List<Float> losses(float[] ofRows, List<GangRows> jobs) {
    List<Float> losses = new ArrayList<>();
    int row = 0;
    for (GangRows job : jobs) {
      float sum = 0;
      for (int end = row + job.rows(); row < end; row++) {
        sum += ofRows[row];
      }
      losses.add(sum);
    }
    return losses;
  }

  @Override
  public void close() {
    session.close();
    arena.close();
  }
}
