package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.PromptFormat;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareReport;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An int4 decoder as ONNX Runtime GenAI's builder wrote it. */
class GeneratorBundleTest {
  @TempDir Path folder;

  @Test
  void quantizedDecoderIsPreparedAsItIs() {
    Path model = Fixtures.smolLm();

    PrepareReport report =
        GraphTools.prepare(
            new PrepareRequest(
                model,
                model.resolveSibling("tokenizer.json"),
                Task.CAUSAL_LM,
                SiteChoice.of("all-linear"),
                Pooling.MEAN,
                OptionalInt.of(128),
                folder.resolve("bundle")));

    Bundle bundle = report.bundle();
    // Logarithms of probabilities behind 30 layers of float32.
    assertThat(report.difference()).isLessThan(1e-3);
    assertThat(bundle.manifest().adapter().sites()).hasSize(30 * 5).doesNotContain("lm_head");
    assertThat(bundle.manifest().text().inputs()).containsExactly("input_ids");
    assertThat(bundle.file(Bundle.BASE_DATA).toFile().length()).isLessThan(110L << 20);
    PromptFormat format = PromptFormat.read(bundle.file(Bundle.PROMPT_FORMAT));
    assertThat(format.endOfText()).isEqualTo("<|im_end|>");
    assertThat(format.chat().orElseThrow().defaultSystem())
        .contains("You are a helpful AI assistant named SmolLM, trained by Hugging Face");
  }
}
