package dev.banyan.runtime.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.bundle.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LabelSetTest {
  @TempDir Path folder;

  @Test
  void namesAreAlphabeticalAndNumbersByValue() throws IOException {
    assertThat(labels(Task.TEXT_CLASSIFICATION, labelled("b", "a", "b"))).containsExactly("a", "b");
    assertThat(labels(Task.TEXT_CLASSIFICATION, labelled("10", "9", "-1")))
        .containsExactly("-1", "9", "10");
  }

  @Test
  void eachTaskHasItsKindOfLabels() throws IOException {
    assertThat(
            labels(
                Task.MULTI_LABEL,
                """
                {"text": "t", "labels": ["b", 7]}
                {"text": "t", "labels": []}
                """))
        .containsExactly("7", "b");
    assertThat(
            labels(
                Task.TOKEN_CLASSIFICATION,
                """
                {"tokens": ["in", "Rome"], "labels": ["O", "B-LOC"]}
                """))
        .containsExactly("B-LOC", "O");
    assertThat(labels(Task.REGRESSION, "{\"text\": \"t\", \"score\": 2}")).containsExactly("score");
    assertThat(LabelSet.of(Task.EMBEDDING, data("{\"text\": \"t\", \"text_pair\": \"u\"}")))
        .isEmpty();
  }

  @Test
  void idsFollowTheList() {
    LabelSet.Index index = new LabelSet(List.of("x", "y")).index(Path.of("data.jsonl"));
    assertThat(index.id("y", 1)).isEqualTo(1);
    assertThat(index.id("x", 2)).isZero();
  }

  @Test
  void labelUnseenInTrainingIsNamedWithItsLine() {
    LabelSet.Index index = new LabelSet(List.of("x", "y")).index(Path.of("data.jsonl"));
    assertThatThrownBy(() -> index.id("z", 2))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessage("data.jsonl, line 2: the label \"z\" is not among those trained: [x, y]");
  }

  @Test
  void oneLabelIsNoClassifier() throws IOException {
    Dataset data = data(labelled("a", "a"));
    assertThatThrownBy(() -> LabelSet.of(Task.TEXT_CLASSIFICATION, data))
        .isInstanceOf(DataFailure.BadLabels.class)
        .hasMessageContaining("has the one label a; a classifier needs at least 2");
  }

  @Test
  void noLabelAnywhereIsNoClassifier() throws IOException {
    Dataset data = data("{\"text\": \"t\", \"labels\": []}");
    assertThatThrownBy(() -> LabelSet.of(Task.MULTI_LABEL, data))
        .isInstanceOf(DataFailure.BadLabels.class)
        .hasMessageContaining("has no label; a classifier needs at least 1");
  }

  @Test
  void labelTwiceIsRefused() {
    assertThatThrownBy(() -> new LabelSet(Arrays.asList("a", "a")))
        .isInstanceOf(DataFailure.BadLabels.class);
  }

  private List<String> labels(Task task, String lines) throws IOException {
    return LabelSet.of(task, data(lines)).orElseThrow().names();
  }

  private static String labelled(String... labels) {
    StringBuilder lines = new StringBuilder();
    for (String label : labels) {
      lines.append("{\"text\": \"t\", \"label\": \"%s\"}\n".formatted(label));
    }
    return lines.toString();
  }

  private Dataset data(String lines) throws IOException {
    return Dataset.read(Files.writeString(folder.resolve("data.jsonl"), lines));
  }
}
