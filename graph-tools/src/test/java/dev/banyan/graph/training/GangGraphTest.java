package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GangGraphTest {
  private static final int SLOTS = 3;
  private static final int RANK = 4;
  private static final int LABELS = 3;
  private static final int LENGTH = 7;

  /** Rows of slots 0, 2 and 0; slot 1 has none. */
  private static final long[] ADAPTER_IDS = {0, 2, 0};

  private static final long[] CLASSES = {2, 0, 1};

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "bert_opset14, all-linear",
    "bert_dynamo20, 'query,value'",
    "mpnet_opset17, all-linear",
    "distilbert_dynamo18, all-linear",
    "families/t5_dynamo20, all-linear",
    "bert_opset17, 'word_embeddings,position_embeddings,query'"
  })
  void eachSlotHasTheGradientOfItsOwnRowsAlone(String model, String targets) {
    Bundle bundle = prepare(model, targets, Task.TEXT_CLASSIFICATION);
    List<ParameterSpec> specs = bundle.manifest().parameters();
    SplittableRandom random = new SplittableRandom(7);
    Map<String, Tensor> gang = texts(bundle, 0, 1, 2);
    float[] truth = new float[ADAPTER_IDS.length * LABELS];
    for (int row = 0; row < CLASSES.length; row++) {
      truth[row * LABELS + (int) CLASSES[row]] = 1;
    }
    gang.put("labels", Tensor.ofFloats("labels", Shape.of(3, LABELS), truth));
    // Two rows are of one job and share its mean.
    gang.put("row_weights", Tensor.ofFloats("row_weights", Shape.of(3), 0.5f, 1, 0.5f));
    gang.put("adapter_ids", Tensor.ofLongs("adapter_ids", Shape.of(3), ADAPTER_IDS));
    Map<String, float[]> banks = new LinkedHashMap<>();
    for (ParameterSpec spec : specs) {
      float[] bank = random(random, SLOTS * Math.toIntExact(shape(spec).elements()));
      banks.put(spec.name(), bank);
      String name = spec.bankName();
      gang.put(name, Tensor.ofFloats(name, withSlots(shape(spec)), bank));
    }
    Map<String, float[]> together = run(bundle, gang, specs);

    TrainingRun.Pass first = alone(bundle, banks, 0, 0, 2);
    TrainingRun.Pass third = alone(bundle, banks, 2, 1);
    float[] losses = of(together, "row_losses");
    assertThat(losses[0] + losses[2]).isCloseTo(first.loss(), within(1e-5f));
    assertThat(losses[1]).isCloseTo(third.loss(), within(1e-5f));
    assertThat(of(together, "loss")[0]).isCloseTo(first.loss() + third.loss(), within(1e-5f));
    for (ParameterSpec spec : specs) {
      float[] gradient = of(together, spec.name() + ".bank_grad");
      int each = Math.toIntExact(shape(spec).elements());
      // The same sums in 32 bits, in another order.
      assertThat(Arrays.copyOfRange(gradient, 0, each))
          .as(spec.name())
          .containsExactly(of(first.gradients(), spec.name()), within(2e-6f));
      assertThat(Arrays.copyOfRange(gradient, each, 2 * each)).containsOnly(0f);
      assertThat(Arrays.copyOfRange(gradient, 2 * each, 3 * each))
          .as(spec.name())
          .containsExactly(of(third.gradients(), spec.name()), within(2e-6f));
      assertThat(of(first.gradients(), spec.name())).isNotEqualTo(new float[each]);
    }
  }

  @Test
  void thereIsNoneForTasksWhoseRowsHaveNoLossOfTheirOwn() {
    assertThatThrownBy(() -> prepare("bert_opset17", "query", Task.EMBEDDING))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not for embedding");
  }

  private static float[] of(Map<String, float[]> values, String name) {
    return Objects.requireNonNull(values.get(name));
  }

  private static Shape shape(ParameterSpec spec) {
    return spec.shape(RANK, LABELS);
  }

  private static Shape withSlots(Shape shape) {
    long[] dims = new long[shape.rank() + 1];
    dims[0] = SLOTS;
    System.arraycopy(shape.toArray(), 0, dims, 1, shape.rank());
    return Shape.of(dims);
  }

  /** The adapter of one slot over some of the rows, through the graph for one adapter. */
  private static TrainingRun.Pass alone(
      Bundle bundle, Map<String, float[]> banks, int slot, int... rows) {
    List<Tensor> parameters =
        bundle.manifest().parameters().stream()
            .map(
                spec -> {
                  int each = Math.toIntExact(shape(spec).elements());
                  float[] bank = of(banks, spec.name());
                  return Tensor.ofFloats(
                      spec.name(),
                      shape(spec),
                      Arrays.copyOfRange(bank, slot * each, (slot + 1) * each));
                })
            .toList();
    Map<String, Tensor> batch = texts(bundle, rows);
    long[] labels = Arrays.stream(rows).mapToLong(row -> CLASSES[row]).toArray();
    batch.put("labels", Tensor.ofLongs("labels", Shape.of(labels.length), labels));
    batch.put("lora_scaling", TrainingRun.scaling(bundle, 1));
    return TrainingRun.pass(bundle, parameters, TrainingRun.plainLoss(batch, LABELS));
  }

  private static Map<String, Tensor> texts(Bundle bundle, int... rows) {
    Map<String, Tensor> batch = new LinkedHashMap<>();
    for (String input : bundle.manifest().text().inputs()) {
      long[] values = new long[rows.length * LENGTH];
      for (int i = 0; i < values.length; i++) {
        int row = rows[i / LENGTH];
        boolean padding = i % LENGTH >= LENGTH - row;
        values[i] =
            switch (input) {
              case "input_ids" -> padding ? 1 : 2 + (row * 11 + i % LENGTH * 5) % 30;
              case "attention_mask" -> padding ? 0 : 1;
              default -> 0;
            };
      }
      batch.put(input, Tensor.ofLongs(input, Shape.of(rows.length, LENGTH), values));
    }
    return batch;
  }

  private static float[] random(SplittableRandom random, int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) (0.1 * random.nextGaussian());
    }
    return values;
  }

  private static Map<String, float[]> run(
      Bundle bundle, Map<String, Tensor> feeds, List<ParameterSpec> specs) {
    List<String> outputs = new ArrayList<>(List.of("loss", "row_losses"));
    specs.forEach(spec -> outputs.add(spec.name() + ".bank_grad"));
    Path graph = bundle.file(Bundle.GANG_GRADIENT_MODEL);
    try (InferenceSession session = InferenceSession.open(graph, SessionSettings.defaults());
        TensorScope scope = new TensorScope();
        OutputTensors out = session.run(TrainingRun.feeds(scope, feeds), outputs)) {
      Map<String, float[]> values = new LinkedHashMap<>();
      outputs.forEach(
          name ->
              values.put(
                  name, name.equals("loss") ? new float[] {out.scalar(name)} : out.floats(name)));
      return values;
    }
  }

  private Bundle prepare(String model, String targets, Task task) {
    return Bundles.gang(
        Fixtures.recording(model).resolveSibling(Path.of(model).getFileName() + ".onnx"),
        task,
        targets,
        folder);
  }
}
