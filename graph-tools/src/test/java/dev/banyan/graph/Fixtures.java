package dev.banyan.graph;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.io.NodeNotes;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.io.Simplify;
import dev.banyan.graph.ir.Model;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** Real models that tests look at. */
public final class Fixtures {
  private static final Path ROOT = Path.of(System.getProperty("banyan.root", "..")).normalize();

  private Fixtures() {}

  /** Small encoders as real exporters write them. */
  public static List<Path> exports() throws IOException {
    try (Stream<Path> files = Files.list(ROOT.resolve("benchmarks/parity/fixtures"))) {
      return files.filter(file -> file.toString().endsWith(".onnx")).sorted().toList();
    }
  }

  /** One of the small encoders. */
  public static Path export(String name) {
    return ROOT.resolve("benchmarks/parity/fixtures").resolve(name + ".onnx");
  }

  /** What PyTorch and PEFT computed for a model. */
  public static Path recording(String name) {
    return ROOT.resolve("benchmarks/parity/fixtures").resolve(name + ".safetensors");
  }

  /** Names of the small models of each family, whose weights' gradients are recorded. */
  public static List<String> families() throws IOException {
    try (Stream<Path> files = Files.list(ROOT.resolve("benchmarks/parity/fixtures/families"))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(file -> file.endsWith(".onnx"))
          .map(file -> file.substring(0, file.length() - ".onnx".length()))
          .sorted()
          .toList();
    }
  }

  /** One of the models of {@link #families()}. */
  public static Path family(String name) {
    return ROOT.resolve("benchmarks/parity/fixtures/families").resolve(name + ".onnx");
  }

  /** Names of the adapters of PEFT's methods that are recorded. */
  public static List<String> peftMethods() throws IOException {
    try (Stream<Path> files = Files.list(ROOT.resolve("benchmarks/parity/fixtures/peft-methods"))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  /**
   * The folder of one of {@link #peftMethods()}, with what PEFT computed in expected.safetensors.
   */
  public static Path peftMethod(String name) {
    return ROOT.resolve("benchmarks/parity/fixtures/peft-methods").resolve(name);
  }

  /** The model below a recorded adapter, as the recording's metadata names it. */
  public static Path peftBase(String base) {
    return base.equals("bert")
        ? ROOT.resolve("benchmarks/parity/fixtures/peft/encoder.onnx")
        : family(base);
  }

  /** A page of the documentation. */
  public static String document(String name) throws IOException {
    return Files.readString(ROOT.resolve("docs").resolve(name));
  }

  /** all-MiniLM-L6-v2, copied into this folder. */
  public static Path miniLm(Path folder) throws IOException {
    Path file = folder.resolve("minilm.onnx");
    try (InputStream in =
        Objects.requireNonNull(Fixtures.class.getResourceAsStream("/all-minilm-l6-v2.onnx"))) {
      Files.copy(in, file);
    }
    return file;
  }

  /** A generator with quantized weights, external data and operators of ONNX Runtime. */
  public static Path smolLm() {
    Path file = ROOT.resolve("../shared/models/smollm2-135m-instruct-int4/model.onnx");
    assumeTrue(Files.exists(file), "the model is not on this machine");
    return file;
  }

  /** The model as ONNX Runtime simplifies it. */
  public static Model simplified(Path model, Path folder) {
    OnnxFile source = OnnxFile.read(model);
    Model simplified = OnnxReader.read(Simplify.of(source, folder));
    NodeNotes.carry(source, simplified);
    return simplified;
  }
}
