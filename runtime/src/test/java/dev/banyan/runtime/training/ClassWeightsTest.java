package dev.banyan.runtime.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.runtime.data.DataFailure;
import dev.banyan.runtime.data.LabelSet;
import dev.banyan.runtime.data.Targets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassWeightsTest {
  private static final LabelSet LABELS = new LabelSet(List.of("ham", "spam"));

  @TempDir Path folder;

  @Test
  void balancedLabelsCountTheSameTogether() {
    Targets texts = new Targets.Classes(List.of(0, 0, 0, 1));
    assertThat(new ClassWeights.Balanced().of(LABELS, texts)).containsExactly(4 / 6.0, 2.0);
    int none = Targets.IGNORED;
    Targets words = new Targets.Tags(List.of(List.of(none, 0, 0, none), List.of(0, 1, none)));
    assertThat(new ClassWeights.Balanced().of(LABELS, words)).containsExactly(4 / 6.0, 2.0);
  }

  @Test
  void fileNamesAWeightForEachLabel() throws IOException {
    ClassWeights weights = parse("{\"spam\": 3, \"ham\": 0.5}");
    assertThat(weights.of(LABELS, new Targets.None())).containsExactly(0.5, 3.0);
  }

  @Test
  void weightsForOtherLabelsAreRefused() throws IOException {
    for (String json : List.of("{\"spam\": 3}", "{\"spam\": 3, \"ham\": 1, \"eggs\": 1}")) {
      ClassWeights weights = parse(json);
      assertThatThrownBy(() -> weights.of(LABELS, new Targets.None()))
          .isInstanceOf(DataFailure.BadLabels.class)
          .hasMessageContaining("expected one for each of the labels [ham, spam]");
    }
  }

  @Test
  void weightThatIsNoneIsNamed() {
    assertThatThrownBy(() -> parse("{\"spam\": -1}"))
        .hasMessageContaining("the weight of \"spam\" is -1; expected a number from 0 on");
    assertThatThrownBy(() -> parse("[1, 2]"))
        .isInstanceOf(DataFailure.Unreadable.class)
        .hasMessageContaining("expected a JSON object of label and weight, or 'balanced'");
    assertThatThrownBy(() -> ClassWeights.parse(folder.resolve("none.json").toString()))
        .isInstanceOf(DataFailure.Unreadable.class);
  }

  private ClassWeights parse(String json) throws IOException {
    return ClassWeights.parse(Files.writeString(folder.resolve("weights.json"), json).toString());
  }
}
