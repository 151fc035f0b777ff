package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.integrity.Digest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Small bundles for the tests of this package. */
final class Manifests {
  private Manifests() {}

  static BundleManifest manifest() {
    return new BundleManifest(
        Task.TEXT_CLASSIFICATION,
        new BaseInfo(
            Digest.of("base".getBytes(StandardCharsets.UTF_8)), 22_713_216, 384, "größe.onnx"),
        new TextInfo(List.of("input_ids", "attention_mask"), Pooling.MEAN, 256),
        AdapterInfo.lora("query,value", List.of("encoder.layer.0.query"), "bert"),
        List.of(
            ParameterSpec.of(
                    MethodName.LORA,
                    "encoder.layer.0.query.lora_A",
                    List.of("384", "rank"),
                    Initializer.KAIMING_UNIFORM)
                .stored("encoder.layer.0.query.lora_A.weight", Layout.TRANSPOSED)
                .withDecay(),
            ParameterSpec.common(
                "classifier.bias", List.of("labels"), Initializer.ZEROS, Layout.SAME)));
  }

  /** Writes every file with a few bytes in it. */
  static void fill(BundleWriter writer, String contents) {
    for (String name : Bundle.FILES) {
      try {
        Files.writeString(writer.path(name), name + contents);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  static Bundle write(Path dir, String contents) {
    try (BundleWriter writer = new BundleWriter(dir)) {
      fill(writer, contents);
      return writer.commit(manifest());
    }
  }
}
