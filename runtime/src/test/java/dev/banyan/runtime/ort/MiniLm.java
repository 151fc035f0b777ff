package dev.banyan.runtime.ort;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The real model the tests run on, from the class path. */
public final class MiniLm {
  private MiniLm() {}

  /** Copies the ONNX model into this folder. */
  public static Path model(Path folder) {
    return copy("/all-minilm-l6-v2.onnx", folder.resolve("model.onnx"));
  }

  /** Copies the tokenizer into this folder. */
  public static Path tokenizer(Path folder) {
    return copy("/all-minilm-l6-v2-tokenizer.json", folder.resolve("tokenizer.json"));
  }

  private static Path copy(String resource, Path target) {
    try (InputStream in = MiniLm.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(resource + " is not on the class path");
      }
      Files.copy(in, target);
      return target;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
