package dev.banyan.artifacts.bundle;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.FormatContract;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The manifest; {@link BundleTest} damages the other files. */
class BundleFormatTest extends FormatContract {
  @Override
  protected Path writeSample() {
    return Manifests.write(folder.resolve("bundle"), "").dir().resolve(Bundle.MANIFEST);
  }

  @Override
  protected String read(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new UnusableArtifact(file.toString(), "missing", "");
    }
    return BundleManifest.parse(file.toString(), Files.readAllBytes(file)).toString();
  }

  @Override
  protected void copy(Path from, Path to) throws IOException {
    Files.write(to, BundleManifest.parse(from.toString(), Files.readAllBytes(from)).toJson());
  }

  @Override
  protected Detects detects() {
    return Detects.EVERY_FLIP;
  }

  @Override
  protected Optional<byte[]> withVersion(byte[] file, int version) {
    ObjectNode json = JsonText.parse("test", file);
    return Optional.of(JsonText.bytes(json.put("version", version)));
  }

  @Override
  protected int version() {
    return BundleManifest.VERSION;
  }
}
