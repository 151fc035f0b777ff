package dev.banyan.runtime.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LabelSetTest {
  @Test
  void namesAreAlphabeticalAndNumbersByValue() {
    assertThat(LabelSet.of(data("b", "a", "b")).names()).containsExactly("a", "b");
    assertThat(LabelSet.of(data("10", "9", "-1")).names()).containsExactly("-1", "9", "10");
  }

  @Test
  void idsFollowTheList() {
    assertThat(new LabelSet(List.of("x", "y")).idsOf(data("y", "x", "y"))).containsExactly(1, 0, 1);
  }

  @Test
  void labelUnseenInTrainingIsNamedWithItsLine() {
    LabelSet labels = new LabelSet(List.of("x", "y"));
    assertThatThrownBy(() -> labels.idsOf(data("x", "z")))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessage("data.jsonl, line 2: the label \"z\" is not among those trained: [x, y]");
  }

  @Test
  void missingLabelIsNamedWithItsLine() {
    Dataset data =
        new Dataset(
            Path.of("data.jsonl"),
            List.of(new Example("t", Optional.empty(), Optional.empty(), 5)));
    assertThatThrownBy(() -> LabelSet.of(data))
        .hasMessage("data.jsonl, line 5: the label is missing");
    assertThatThrownBy(() -> new LabelSet(List.of("x", "y")).idsOf(data))
        .hasMessage("data.jsonl, line 5: the label is missing");
  }

  @Test
  void oneLabelIsNoClassifier() {
    assertThatThrownBy(() -> LabelSet.of(data("a", "a")))
        .isInstanceOf(DataFailure.BadLabels.class)
        .hasMessageContaining("a classifier needs at least two");
  }

  @Test
  void labelTwiceIsRefused() {
    assertThatThrownBy(() -> new LabelSet(Arrays.asList("a", "a")))
        .isInstanceOf(DataFailure.BadLabels.class);
  }

  private static Dataset data(String... labels) {
    return new Dataset(
        Path.of("data.jsonl"),
        IntStream.range(0, labels.length)
            .mapToObj(i -> new Example("t" + i, Optional.empty(), Optional.of(labels[i]), i + 1))
            .toList());
  }
}
