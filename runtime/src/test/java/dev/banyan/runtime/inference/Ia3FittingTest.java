package dev.banyan.runtime.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.adapter.CommonConfig;
import dev.banyan.artifacts.adapter.Ia3Config;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.AdapterInfo;
import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.TinyBundle;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** PEFT's split of layers into feed-forward ones and others may be another than the bundle's. */
class Ia3FittingTest {
  private static final String LAYER = "encoder.dense";

  @Test
  void adapterThatScalesInputsIsRefusedWhereTheBundleScalesOutputs() {
    assertThat(fit(Layout.ROW, Shape.of(1, 4)).tensors()).hasSize(1);
    assertThat(fit(Layout.COLUMN, Shape.of(4, 1)).tensors()).hasSize(1);
    assertThatThrownBy(() -> fit(Layout.COLUMN, Shape.of(1, 4)))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("scales what the layer reads; this bundle scales what it gives")
        .hasMessageContaining("includes encoder.dense");
    assertThatThrownBy(() -> fit(Layout.ROW, Shape.of(4, 1)))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("scales what the layer gives; this bundle scales what it reads")
        .hasMessageContaining("leaves out encoder.dense");
  }

  private static AdapterWeights fit(Layout ofBundle, Shape ofFile) {
    String name = LAYER + ".ia3_l";
    BundleManifest tiny = TinyBundle.manifest();
    BundleManifest bundle =
        new BundleManifest(
            tiny.task(),
            tiny.base(),
            tiny.text(),
            new AdapterInfo(
                List.of(new MethodInfo(MethodName.IA3, "dense", List.of(LAYER))),
                "",
                BiasTraining.NONE,
                List.of()),
            List.of(
                ParameterSpec.of(MethodName.IA3, name, List.of("4"), Initializer.ONES)
                    .stored(name, ofBundle)));
    CommonConfig common =
        new CommonConfig(List.of("dense"), List.of(), "SEQ_CLS", "tiny", JsonText.object());
    String key = "base_model.model." + name;
    PeftAdapter adapter =
        new PeftAdapter(
            new Ia3Config(common, List.of()),
            new SafetensorsFile(
                Map.of("format", "pt"), Map.of(key, Tensor.ofFloats(key, ofFile, 1, 2, 3, 4))));
    return AdapterWeights.fit(adapter, bundle, ServingPlan.defaults());
  }
}
