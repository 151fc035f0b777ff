package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.TokenRows;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.runtime.data.Text;
import dev.banyan.runtime.data.TextTokenizer;
import dev.banyan.runtime.data.Vocabulary;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Embeddings of tokens that a bundle's base has: those of a text, over and over until there are
 * enough, or of tokens drawn from all that it knows.
 *
 * @param bundle has the graph that embeds
 */
record TokensOfBase(Bundle bundle) implements TokenRows {
  @Override
  public float[] rows(int count, int size, RandomGenerator random) {
    Path graph = bundle.file(Bundle.TOKEN_EMBEDDINGS);
    long[] of = text().map(this::tokens).orElseGet(() -> drawn(graph, count, random));
    long[] ids = new long[count];
    for (int i = 0; i < count; i++) {
      ids[i] = of[i % of.length];
    }
    try (InferenceSession session = InferenceSession.open(graph, SessionSettings.defaults());
        TensorScope scope = new TensorScope()) {
      TensorPort input = session.inputs().getFirst();
      String output = session.outputs().getFirst().name();
      try (OutputTensors out =
          session.run(Map.of(input.name(), scope.longs(ids, 1, count)), List.of(output))) {
        return out.floats(output);
      }
    }
  }

  private Optional<String> text() {
    return bundle
        .manifest()
        .adapter()
        .method(MethodName.PROMPT)
        .map(MethodInfo::settings)
        .flatMap(settings -> Optional.ofNullable(settings.get("text")));
  }

  /** With the tokens that begin and end every text, as in PEFT. */
  private long[] tokens(String text) {
    try (TextTokenizer tokenizer =
        new TextTokenizer(bundle.file(Bundle.TOKENIZER), bundle.manifest().text().maxLength())) {
      return tokenizer.encode(Text.of(text)).ids();
    }
  }

  private static long[] drawn(Path graph, int count, RandomGenerator random) {
    long known =
        Vocabulary.rows(OnnxFile.read(graph))
            .orElseThrow(() -> new IllegalStateException("No table of tokens in " + graph));
    return random.longs(count, 0, known).toArray();
  }
}
