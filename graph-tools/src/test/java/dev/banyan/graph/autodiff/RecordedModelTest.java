package dev.banyan.graph.autodiff;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.graph.Fixtures;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What is recorded: a file that is lost must not take its family out of the comparison. */
class RecordedModelTest {
  private static final List<String> FAMILIES =
      List.of(
          "DeBERTa-v2",
          "GPT-2",
          "Llama",
          "Qwen2",
          "Gemma",
          "T5 encoder",
          "ViT",
          "ResNet-18",
          "ConvNeXt",
          "Whisper encoder");

  @Test
  void everyFamilyIsRecordedThroughBothExportersOverAllOperatorSets() throws IOException {
    Set<String> seen = new TreeSet<>();
    Set<Integer> opsets = new TreeSet<>();
    for (String name : Fixtures.families()) {
      RecordedModel recorded = RecordedModel.read(name);
      seen.add(recorded.family() + ", " + recorded.exporter());
      opsets.add(recorded.opset());
    }
    List<String> wanted = new ArrayList<>();
    for (String family : FAMILIES) {
      wanted.add(family + ", torchscript");
      wanted.add(family + ", torch.export");
    }
    assertThat(seen).containsExactlyInAnyOrderElementsOf(wanted);
    assertThat(opsets).containsExactly(14, 15, 16, 17, 18, 19, 20);
  }
}
