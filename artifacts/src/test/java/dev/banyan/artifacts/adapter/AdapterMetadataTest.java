package dev.banyan.artifacts.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.bundle.AdapterInfo;
import dev.banyan.artifacts.bundle.BaseInfo;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.bundle.TextInfo;
import dev.banyan.artifacts.integrity.Digest;
import java.util.List;
import org.junit.jupiter.api.Test;

class AdapterMetadataTest {
  @Test
  void whatTheBundleSaysComesBack() {
    Digest base = Digest.of(new byte[] {1});
    BundleManifest bundle =
        new BundleManifest(
            Task.TEXT_CLASSIFICATION,
            new BaseInfo(base, 1, 384, "model.onnx"),
            new TextInfo(List.of("input_ids"), Pooling.POOLER, 128),
            AdapterInfo.lora("query", List.of(), ""),
            List.of());
    List<String> labels = List.of("größe", "a \"quoted\" one", "");
    AdapterMetadata metadata = new AdapterMetadata("file", AdapterMetadata.entries(bundle, labels));
    assertThat(metadata.base()).contains(base);
    assertThat(metadata.labels()).isEqualTo(labels);
    assertThat(metadata.task()).contains(Task.TEXT_CLASSIFICATION);
    assertThat(metadata.maxLength()).hasValue(128);
    assertThat(metadata.pooling()).contains(Pooling.POOLER);
    assertThat(metadata.entries()).containsEntry("format", "pt");
  }
}
