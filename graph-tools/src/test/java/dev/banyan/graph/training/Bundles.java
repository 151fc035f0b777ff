package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.KeptWeights;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.Emission;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.LanguageChoice;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.QuantizeRequest;
import dev.banyan.graph.QuantizeRequest.Destination;
import dev.banyan.graph.quantize.LayerChoice;
import dev.banyan.graph.quantize.Quantization;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingPlan;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Bundles for tests. */
public final class Bundles {
  /** Words of the small decoders. */
  static final int DECODER_VOCABULARY = 60;

  private Bundles() {}

  /** A copy of a resource of the MiniLM jar. */
  public static Path resource(String name, Path folder) {
    Path file = folder.resolve(name);
    try (InputStream in = Objects.requireNonNull(Bundles.class.getResourceAsStream("/" + name))) {
      Files.copy(in, file);
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Bundle of all-MiniLM-L6-v2. */
  public static Bundle miniLm(Path folder, Task task, String targets) {
    return GraphTools.prepare(
            new PrepareRequest(
                resource("all-minilm-l6-v2.onnx", folder),
                resource("all-minilm-l6-v2-tokenizer.json", folder),
                task,
                SiteChoice.of(targets),
                Pooling.MEAN,
                OptionalInt.empty(),
                folder.resolve("bundle")))
        .bundle();
  }

  /** A model whose linear layers have few bits. */
  public static Path quantized(Path model, Quantization quantization, Path folder) {
    Path out = folder.resolve("quantized.onnx");
    GraphTools.quantize(
        new QuantizeRequest(model, quantization, LayerChoice.usual(), new Destination(out, false)));
    return out;
  }

  /** Texts of 3 to 8 words, labelled by which of two words is among them. */
  static Dataset texts(Path folder) throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 48; i++) {
      int label = random.nextInt(2);
      StringBuilder text = new StringBuilder("w" + (1 + label));
      for (int word = random.nextInt(2, 8); word > 0; word--) {
        text.append(" w").append(random.nextInt(3, 40));
      }
      lines.append("{\"text\": \"%s\", \"label\": \"%d\"}%n".formatted(text, label));
    }
    return Dataset.read(Files.writeString(folder.resolve("data.jsonl"), lines));
  }

  /** Texts that all go on in the same way, for a small decoder. */
  private static Dataset continuations(int count, Path file) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 2; i < count + 2; i++) {
      lines.append("{\"prompt\": \"w%d \", \"completion\": \"w50 w51 w52\"}%n".formatted(i));
    }
    return Dataset.read(Files.writeString(file, lines));
  }

  /** Trains an adapter of any method on 24 of them; the loss of each step. */
  public static List<Float> trainDecoder(Bundle bundle, double rate, int epochs, Path adapter)
      throws IOException {
    TrainingPlan usual = TrainingPlan.defaults();
    TrainingPlan plan =
        usual
            .with(
                AdapterPlan.lora(4, 8)
                    .with(Size.PROJECTION, 16)
                    .with(new KeptWeights(0.2, KeptWeights.Rule.MAGNITUDE, 1)))
            .with(usual.passes().withEpochs(epochs))
            .with(new LearningRate.Constant(rate, 0));
    Dataset data = continuations(24, bundle.dir().resolveSibling("data.jsonl"));
    return new Trainer(bundle, plan, _ -> {})
        .train(new TrainingData(data, Optional.empty()), adapter)
        .losses();
  }

  /** Bundle of a small decoder, prepared for a method on the layers that it names, or these. */
  public static Bundle decoder(Path model, String method, String targets, Path folder) {
    return GraphTools.prepare(
            new PrepareRequest(
                    model,
                    tokenizer(folder, DECODER_VOCABULARY),
                    Task.CAUSAL_LM,
                    SiteChoice.of(""),
                    Pooling.MEAN,
                    Emission.FUSED,
                    OptionalInt.of(16),
                    folder.resolve("bundle"))
                .with(new LanguageChoice(Optional.of("w1"), Optional.empty()))
                .withMethods(List.of(MethodChoice.parse(method, SiteChoice.of(targets)))))
        .bundle();
  }

  /** Bundle of a small encoder for adapters that train together. */
  static Bundle gang(Path model, Task task, String targets, Path folder) {
    PrepareRequest request =
        new PrepareRequest(
            model,
            tokenizer(folder, 40),
            task,
            SiteChoice.of(targets),
            Pooling.MEAN,
            OptionalInt.empty(),
            folder.resolve("bundle"));
    return GraphTools.prepare(request.with(request.training().withGang())).bundle();
  }

  /** A tokenizer that knows {@code tokens} words. */
  public static Path tokenizer(Path folder, int tokens) {
    String words =
        IntStream.range(1, tokens)
            .mapToObj(id -> "\"w" + id + "\":" + id)
            .collect(Collectors.joining(","));
    String json =
        """
        {"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
         "pre_tokenizer":{"type":"Whitespace"},"post_processor":null,"decoder":null,
         "model":{"type":"WordLevel","vocab":{"[UNK]":0,%s},"unk_token":"[UNK]"}}
        """
            .formatted(words);
    try {
      return Files.writeString(folder.resolve("tokenizer-" + tokens + ".json"), json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
