package dev.banyan.artifacts.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.offset;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PeftAdapterTest {
  private static final String A =
      "base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight";

  @TempDir Path folder;

  @Test
  void aFolderThatPeftSavedIsRead() throws Exception {
    PeftAdapter adapter = PeftAdapter.read(PeftFolder.write(folder, PeftFolder.config()));
    LoraConfig config = adapter.lora();
    assertThat(config.rank()).isEqualTo(2);
    assertThat(config.alpha()).isEqualTo(16);
    assertThat(config.dropout()).isEqualTo(0.1);
    assertThat(config.targetModules()).containsExactly("value", "query");
    assertThat(config.modulesToSave()).containsExactly("classifier", "score");
    assertThat(config.taskType()).isEqualTo("SEQ_CLS");
    assertThat(config.baseModel()).isEqualTo("bert-base-uncased");
    assertThat(adapter.metadata().base()).isEmpty();
    assertThat(adapter.metadata().labels()).isEmpty();
  }

  @Test
  void halfPrecisionIsWidenedOnRequest() throws Exception {
    PeftAdapter adapter = PeftAdapter.read(PeftFolder.write(folder, PeftFolder.config()));
    assertThat(adapter.weights().tensor(A).orElseThrow().type()).isEqualTo(DType.BFLOAT16);
    SafetensorsFile wide = adapter.widened().weights();
    assertThat(wide.tensor(A).orElseThrow().floats()).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(wide.tensor(A.replace("lora_A", "lora_B")).orElseThrow().floats())
        .containsExactly(1, -2);
  }

  @Test
  void everyKeyOfTheConfigurationSurvivesARoundTrip() throws Exception {
    PeftAdapter adapter =
        PeftAdapter.read(PeftFolder.write(folder.resolve("a"), PeftFolder.config()));
    adapter.write(folder.resolve("b"));
    assertThat(config(folder.resolve("b"))).isEqualTo(PeftFolder.config());
    assertThat(PeftAdapter.read(folder.resolve("b")).config()).isEqualTo(adapter.config());
  }

  @Test
  void aTargetPatternStaysAPattern() throws Exception {
    ObjectNode pattern = PeftFolder.config().put("target_modules", ".*(query|value)");
    PeftAdapter adapter = PeftAdapter.read(PeftFolder.write(folder.resolve("a"), pattern));
    assertThat(adapter.config().targetModules()).containsExactly(".*(query|value)");
    adapter.write(folder.resolve("b"));
    assertThat(config(folder.resolve("b"))).isEqualTo(pattern);
  }

  @Test
  void whatWeWriteHasTheKeysThatPeftReads() {
    adapter(1).write(folder.resolve("a"));
    assertThat(config(folder.resolve("a")).fieldNames())
        .toIterable()
        .contains(
            "peft_type",
            "r",
            "lora_alpha",
            "lora_dropout",
            "target_modules",
            "modules_to_save",
            "bias",
            "task_type",
            "base_model_name_or_path",
            "inference_mode",
            "fan_in_fan_out",
            "use_rslora",
            "use_dora",
            "rank_pattern",
            "alpha_pattern",
            "init_lora_weights",
            "layers_to_transform");
    assertThat(PeftAdapter.read(folder.resolve("a")).weights().metadata())
        .containsEntry("format", "pt");
  }

  @ParameterizedTest
  @CsvSource({"16, 8, false, 2.0", "16, 4, true, 8.0", "1, 8, false, 0.125"})
  void scalingIsAlphaOverRankOrItsRoot(int alpha, int rank, boolean rslora, double scaling) {
    LoraConfig config =
        new LoraConfig(rank, alpha, 0, List.of(), List.of(), rslora, "none", "", "");
    // Exact: every case is a power of two.
    assertThat(config.scaling()).isEqualTo(scaling, offset(0.0));
  }

  @Test
  void patternsDecideRankAndScalingOfLayers() {
    LoraConfig config =
        new LoraConfig(8, 16, 0, List.of(), List.of(), false, "none", "", "")
            .withPatterns(Map.of("layer.[01].query", 4), Map.of("value", 2.0));
    assertThat(config.rank("bert.layer.0.query")).isEqualTo(4);
    assertThat(config.rank("layer.1.query")).isEqualTo(4);
    // From a dot on, and to the end.
    assertThat(config.rank("mylayer.1.query")).isEqualTo(8);
    assertThat(config.rank("layer.1.query.sub")).isEqualTo(8);
    assertThat(config.scaling("layer.1.query")).isEqualTo(4.0);
    assertThat(config.scaling("layer.1.value")).isEqualTo(0.25);
    assertThat(config.scaling("layer.1.key")).isEqualTo(2.0);
    PeftAdapter plain = adapter(1);
    plain.write(folder.resolve("plain"));
    PeftAdapter other =
        new PeftAdapter(plain.lora().withPatterns(Map.of(), Map.of("q", 3.0)), plain.weights());
    other.write(folder.resolve("other"));
    assertThat(PeftAdapter.read(folder.resolve("other")).lora().scaling("x.q"))
        .isEqualTo(other.lora().scaling("x.q"));
    assertThat(other.digest()).isNotEqualTo(plain.digest());
  }

  /** PEFT's note that a layer keeps its weight as [in, out], as GPT-2's do; the factors do not. */
  @Test
  void noteOfATurnedBaseWeightIsKept() throws Exception {
    ObjectNode turned = PeftFolder.config().put("fan_in_fan_out", true);
    PeftAdapter adapter = PeftAdapter.read(PeftFolder.write(folder.resolve("a"), turned));
    adapter.write(folder.resolve("b"));
    assertThat(config(folder.resolve("b"))).isEqualTo(turned);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'rank_pattern': {'query': 0}}",
        "{'rank_pattern': {'qu(ery': 4}}",
        "{'rank_pattern': [4]}",
        "{'alpha_pattern': {'query': 'high'}}",
        "{'use_dora': 'yes'}",
      })
  void patternOrFlagThatIsNoneIsRefused(String change) throws Exception {
    ObjectNode changed =
        JsonText.parse("test", change.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    PeftFolder.write(folder, PeftFolder.config().setAll(changed));
    assertThatExceptionOfType(CorruptArtifact.class).isThrownBy(() -> PeftAdapter.read(folder));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'lora_bias': true}",
        "{'use_qalora': true}",
        "{'layer_replication': [[0, 4]]}",
        "{'trainable_token_indices': [1]}",
        "{'target_parameters': ['experts']}",
        "{'alora_invocation_tokens': [1]}",
        "{'bias': 'some_only'}",
        "{'init_lora_weights': 'pissa_niter_16'}",
        "{'init_lora_weights': 'olora', 'use_dora': true}",
        "{'init_lora_weights': 'corda'}",
        "{'peft_type': 'ADALORA'}",
        "{'peft_type': 'ADALORA'}",
      })
  void aSettingThatWouldChangeTheAnswersIsRefusedByName(String change) throws Exception {
    ObjectNode changed =
        JsonText.parse("test", change.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    String setting = changed.fieldNames().next();
    ObjectNode config = PeftFolder.config().setAll(changed);
    PeftFolder.write(folder, config);
    assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(() -> PeftAdapter.read(folder))
        .withMessageContainingAll(PeftAdapter.CONFIG, "\"" + setting + "\"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'r': 0}",
        "{'r': -4}",
        "{'r': 2.5}",
        "{'r': '8'}",
        "{'r': null}",
        "{'r': 99999999999}",
        "{'lora_alpha': 'x'}",
        "{'lora_alpha': null}",
        "{'lora_alpha': 1e999}",
        "{'bias': 3}",
        "{'target_modules': 3}",
        "{'target_modules': [3]}",
        "{'modules_to_save': {'a': 'b'}}",
        "{'peft_type': null}",
        "{'task_type': 1}"
      })
  void aValueOfTheWrongKindIsAnError(String change) throws Exception {
    ObjectNode changed =
        JsonText.parse("test", change.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    PeftFolder.write(folder, PeftFolder.config().setAll(changed));
    assertThatExceptionOfType(dev.banyan.artifacts.integrity.ArtifactException.class)
        .isThrownBy(() -> PeftAdapter.read(folder))
        .withMessageContainingAll(PeftAdapter.CONFIG, changed.fieldNames().next());
  }

  @Test
  void aPickleIsRefused() throws Exception {
    PeftFolder.write(folder, PeftFolder.config());
    Files.move(folder.resolve(PeftAdapter.WEIGHTS), folder.resolve("adapter_model.bin"));
    assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(() -> PeftAdapter.read(folder))
        .withMessageContainingAll("pickle", "safe_serialization=True");
  }

  @Test
  void aFolderWithoutAnAdapterIsNamed() {
    assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(() -> PeftAdapter.read(folder))
        .withMessageContainingAll(folder.toString(), PeftAdapter.CONFIG);
  }

  @Test
  void missingWeightsAreNamed() throws Exception {
    PeftFolder.write(folder, PeftFolder.config());
    Files.delete(folder.resolve(PeftAdapter.WEIGHTS));
    assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(() -> PeftAdapter.read(folder))
        .withMessageContaining(PeftAdapter.WEIGHTS);
  }

  @Test
  void theFolderMayBeReplacedWhileItsTensorsAreInUse() throws Exception {
    adapter(1).write(folder.resolve("a"));
    PeftAdapter read = PeftAdapter.read(folder.resolve("a"));
    Files.write(folder.resolve("a").resolve(PeftAdapter.WEIGHTS), new byte[3]);
    assertThat(read.weights().tensor(A).orElseThrow().floats()).containsExactly(1, 1);
  }

  @Test
  void writingReplacesAnAdapterAsAWholeAndNothingElse() throws Exception {
    Path dir = folder.resolve("a");
    adapter(1).write(dir);
    Files.writeString(dir.resolve("README.md"), "of the old version");
    adapter(2).write(dir);
    assertThat(dir.resolve("README.md")).doesNotExist();
    assertThat(PeftAdapter.read(dir).weights().tensor(A).orElseThrow().floats())
        .containsExactly(2, 2);
    Path other = Files.createDirectory(folder.resolve("other"));
    Files.writeString(other.resolve("thesis.txt"), "years of work");
    assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(() -> adapter(1).write(other))
        .withMessageContaining(other.toString());
    assertThat(other.resolve("thesis.txt")).exists();
    try (Stream<Path> children = Files.list(folder)) {
      assertThat(children).containsExactlyInAnyOrder(dir, other);
    }
  }

  @Test
  void theDigestIsTheSameBeforeAndAfterTheDisk() {
    PeftAdapter adapter = adapter(1);
    adapter.write(folder.resolve("a"));
    assertThat(PeftAdapter.read(folder.resolve("a")).digest()).isEqualTo(adapter.digest());
  }

  @Test
  void theDigestSeesTensorsScalingAndBase() {
    PeftAdapter adapter = adapter(1);
    LoraConfig doubled =
        new LoraConfig(2, 32, 0, List.of("query"), List.of(), false, "none", "SEQ_CLS", "m");
    SafetensorsFile otherBase =
        new SafetensorsFile(Map.of("banyan.base", "other"), adapter.weights().tensors());
    assertThat(
            Stream.of(
                    adapter,
                    adapter(2),
                    new PeftAdapter(doubled, adapter.weights()),
                    new PeftAdapter(adapter.config(), otherBase))
                .map(PeftAdapter::digest))
        .doesNotHaveDuplicates();
  }

  @Test
  void damagedMetadataIsReported() {
    AdapterMetadata metadata =
        new AdapterMetadata(
            "adapter",
            Map.of(
                "banyan.base",
                "sha256:12",
                "banyan.labels",
                "[1]",
                "banyan.max_length",
                "-1",
                "banyan.pooling",
                "middle",
                "banyan.task",
                "juggling"));
    for (Runnable read :
        List.<Runnable>of(
            metadata::base,
            metadata::labels,
            metadata::maxLength,
            metadata::pooling,
            metadata::task)) {
      assertThatExceptionOfType(CorruptArtifact.class)
          .isThrownBy(read::run)
          .withMessageContaining("banyan.");
    }
  }

  private static PeftAdapter adapter(float value) {
    LoraConfig config =
        new LoraConfig(2, 16, 0, List.of("query"), List.of(), false, "none", "SEQ_CLS", "m");
    Tensor tensor = Tensor.ofFloats(A, Shape.of(2, 1), value, value);
    return new PeftAdapter(config, new SafetensorsFile(Map.of(), Map.of(A, tensor)));
  }

  private static ObjectNode config(Path dir) {
    try {
      return JsonText.parse("test", Files.readAllBytes(dir.resolve(PeftAdapter.CONFIG)));
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
