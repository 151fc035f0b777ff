package dev.banyan.artifacts.adapter;

import dev.banyan.artifacts.FormatContract;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The configuration file; the tensors' file has the contract of its own format. */
class PeftConfigFormatTest extends FormatContract {
  @Override
  protected Path writeSample() throws IOException {
    Path dir = PeftFolder.write(folder.resolve("adapter"), PeftFolder.config());
    PeftAdapter.read(dir).writeFiles(dir);
    return dir.resolve(PeftAdapter.CONFIG);
  }

  @Override
  protected String read(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new UnusableArtifact(file.toString(), "missing", "");
    }
    return ConfigJson.parse(file.toString(), Files.readAllBytes(file)).toString();
  }

  @Override
  protected void copy(Path from, Path to) throws IOException {
    AdapterConfig config = ConfigJson.parse(from.toString(), Files.readAllBytes(from));
    Files.write(to, JsonText.bytes(config.json()));
  }

  @Override
  protected Detects detects() {
    return Detects.STRUCTURE;
  }

  @Override
  protected Optional<byte[]> withVersion(byte[] file, int version) {
    return Optional.empty();
  }

  @Override
  protected int version() {
    return 0;
  }
}
