package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.proto.ValueInfoProto;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.TrainingChoice;
import dev.banyan.runtime.data.BatchSize;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.Compute;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingPlan;
import dev.banyan.runtime.training.TrainingReport;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Dropout in the graphs of a real export, every linear layer adapted. */
class LoraDropoutTest {
  private static final int ROWS = 3;
  private static final int LENGTH = 7;
  private static final int LABELS = 3;
  private static final String SUFFIX = ".lora_dropout";

  @TempDir Path folder;
  private final SplittableRandom random = new SplittableRandom(11);

  @Test
  void gradientsAreThoseOfTheLossOfWhatIsLeft() {
    Bundle bundle = bundle(true, Optional.empty());
    Map<String, Tensor> batch = batch(bundle);
    addMasks(bundle, batch, 0.4);
    List<Tensor> at = parameters(bundle);
    TrainingRun.Pass pass = TrainingRun.pass(bundle, at, batch);
    List<Tensor> ahead = new ArrayList<>();
    List<Tensor> behind = new ArrayList<>();
    double expected = 0;
    for (Tensor parameter : at) {
      float[] gradient = Objects.requireNonNull(pass.gradients().get(parameter.name()));
      // Random steps up the hill, so that what is compared is larger than the loss's own rounding.
      float[] direction = new float[parameter.floats().length];
      for (int i = 0; i < direction.length; i++) {
        direction[i] = (float) (Math.signum(gradient[i]) * random.nextDouble(0.5, 1.5) * 5e-4);
        expected += (double) direction[i] * gradient[i];
      }
      ahead.add(moved(parameter, direction, 1));
      behind.add(moved(parameter, direction, -1));
    }
    double seen =
        (TrainingRun.pass(bundle, ahead, batch).loss()
                - TrainingRun.pass(bundle, behind, batch).loss())
            / 2.0;
    // What is left is the third derivative's share.
    assertThat(seen / expected).isCloseTo(1, within(2e-3));
  }

  @Test
  void whatIsDroppedChangesTheLossAndFullMasksDoNot() {
    Bundle bundle = bundle(true, Optional.empty());
    Map<String, Tensor> batch = batch(bundle);
    List<Tensor> at = parameters(bundle);
    float without = TrainingRun.pass(bundle(false, Optional.empty()), at, batch).loss();
    addMasks(bundle, batch, 0);
    assertThat(TrainingRun.pass(bundle, at, batch).loss()).isCloseTo(without, within(1e-6f));
    addMasks(bundle, batch, 0.4);
    float dropped = TrainingRun.pass(bundle, at, batch).loss();
    assertThat(Math.abs(dropped - without)).isGreaterThan(1e-4f);
    assertThat(TrainingRun.accumulatedPass(bundle, at, batch).loss()).isEqualTo(dropped);
  }

  @Test
  void onlyGraphsOfTrainingHaveMasks() {
    Bundle bundle = bundle(true, Optional.of("1"));
    int sites = bundle.manifest().adapter().sites().size();
    for (String graph :
        List.of(Bundle.TRAINING_MODEL, Bundle.GRADIENT_MODEL, Bundle.SUFFIX_GRADIENT_MODEL)) {
      assertThat(inputs(bundle, graph))
          .as(graph)
          .filteredOn(LoraDropoutTest::isMask)
          .hasSize(sites);
    }
    for (String graph :
        List.of(
            Bundle.EVAL_MODEL,
            Bundle.SUFFIX_EVAL_MODEL,
            Bundle.PREFIX_MODEL,
            Bundle.SERVING_MODEL)) {
      assertThat(inputs(bundle, graph)).as(graph).noneMatch(LoraDropoutTest::isMask);
    }
  }

  @Test
  void runOverAKeptPrefixDropsTheSame() throws IOException {
    Bundle bundle = bundle(true, Optional.of("1"));
    List<Float> kept = train(bundle, 64).losses();
    List<Float> whole = train(bundle, 0).losses();
    for (int step = 0; step < whole.size(); step++) {
      // The same layers over other neighbours and other padding: 32-bit sums in another order.
      assertThat(kept.get(step)).isCloseTo(whole.get(step), within(1e-4f));
    }
  }

  @Test
  void nothingIsDroppedOfWhatATableIsAskedFor() throws IOException {
    Bundle bundle =
        bundle(true, new SiteChoice("word_embeddings,query", Optional.empty(), Optional.empty()));
    assertThat(inputs(bundle, Bundle.GRADIENT_MODEL))
        .filteredOn(LoraDropoutTest::isMask)
        .containsExactly(
            "encoder.layer.0.attention.self.query" + SUFFIX,
            "encoder.layer.1.attention.self.query" + SUFFIX);
    List<Float> losses = train(bundle, 0).losses();
    assertThat(losses.getLast()).isLessThan(losses.getFirst());
  }

  private TrainingReport train(Bundle bundle, int cacheMib) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 24; i++) {
      lines.append(
          "{\"text\": \"w%d w%d w%d\", \"label\": \"%s\"}\n"
              .formatted(1 + i % 2, 3 + i % 7, 11 + i % 5, i % 2 == 0 ? "even" : "odd"));
    }
    Path file = Files.writeString(folder.resolve("train.jsonl"), lines);
    TrainingPlan usual = TrainingPlan.defaults();
    TrainingPlan plan =
        usual
            .with(AdapterPlan.lora(4, 8).withDropout(0.2))
            .with(usual.passes().with(new BatchSize.Examples(8)))
            .with(Compute.defaults().withPrefixCacheMib(cacheMib));
    return new Trainer(bundle, plan, event -> {})
        .train(
            new TrainingData(Dataset.read(file), Optional.empty()),
            folder.resolve("adapter-" + cacheMib));
  }

  private static boolean isMask(String input) {
    return input.endsWith(SUFFIX);
  }

  private static List<String> inputs(Bundle bundle, String graph) {
    return OnnxFile.read(bundle.file(graph)).model().getGraph().getInputList().stream()
        .map(ValueInfoProto::getName)
        .toList();
  }

  private Bundle bundle(boolean dropout, Optional<String> layers) {
    return bundle(dropout, new SiteChoice("all-linear", Optional.empty(), layers));
  }

  private Bundle bundle(boolean dropout, SiteChoice sites) {
    PrepareRequest request =
        new PrepareRequest(
            Fixtures.export("bert_opset17"),
            Bundles.tokenizer(folder, 40),
            Task.TEXT_CLASSIFICATION,
            sites,
            // The model's own pooler is a layer that reads one vector a text.
            Pooling.POOLER,
            OptionalInt.empty(),
            folder.resolve(dropout ? "dropout" : "plain"));
    TrainingChoice plain = TrainingChoice.of(Emission.FUSED);
    return GraphTools.prepare(request.with(dropout ? plain.withDropout() : plain)).bundle();
  }

  /** No matrix is zero, as half of an adapter's are at the start: all gradients flow. */
  private static List<Tensor> parameters(Bundle bundle) {
    SplittableRandom random = new SplittableRandom(3);
    List<Tensor> drawn = new ArrayList<>();
    for (Tensor tensor :
        new ParameterInitializer(1).tensors(bundle.manifest().parameters(), Sizes.of(4, LABELS))) {
      float[] values = new float[Math.toIntExact(tensor.shape().elements())];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (0.1 * random.nextGaussian());
      }
      drawn.add(Tensor.ofFloats(tensor.name(), tensor.shape(), values));
    }
    return drawn;
  }

  private static Tensor moved(Tensor from, float[] direction, int sign) {
    float[] values = from.floats();
    for (int i = 0; i < values.length; i++) {
      values[i] += sign * direction[i];
    }
    return Tensor.ofFloats(from.name(), from.shape(), values);
  }

  private void addMasks(Bundle bundle, Map<String, Tensor> batch, double dropped) {
    OnnxFile.read(bundle.file(Bundle.GRADIENT_MODEL)).model().getGraph().getInputList().stream()
        .filter(input -> isMask(input.getName()))
        .forEach(
            input -> {
              long width = input.getType().getTensorType().getShape().getDim(2).getDimValue();
              byte[] mask = new byte[Math.toIntExact(ROWS * LENGTH * width)];
              for (int i = 0; i < mask.length; i++) {
                mask[i] = (byte) (random.nextDouble() < dropped ? 0 : 1);
              }
              Shape shape = Shape.of(ROWS, LENGTH, width);
              MemorySegment bytes = MemorySegment.ofArray(mask);
              batch.put(input.getName(), new Tensor("mask", DType.BOOL, shape, bytes));
            });
  }

  private static Map<String, Tensor> batch(Bundle bundle) {
    Map<String, Tensor> batch = TrainingRun.texts(ROWS, LENGTH);
    batch.put("labels", Tensor.ofLongs("labels", Shape.of(ROWS), 0, 1, 2));
    batch.put("lora_scaling", TrainingRun.scaling(bundle, 2f));
    return TrainingRun.plainLoss(batch, LABELS);
  }
}
