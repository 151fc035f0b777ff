package dev.banyan.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.runtime.report.Metric;
import dev.banyan.runtime.report.Score;
import dev.banyan.runtime.training.TrainingEvent;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class ProgressLineTest {
  private static final List<TrainingEvent> RUN =
      List.of(
          new TrainingEvent.Started(2, 1, 0),
          new TrainingEvent.Stepped(1, 1, 2f, 1e-3, OptionalDouble.of(1), 1000, 1_000_000_000),
          new TrainingEvent.Evaluated(1, 1, score(1), true),
          new TrainingEvent.Saved(1, 1, Digest.of(new byte[0])),
          new TrainingEvent.Stepped(2, 2, 1f, 1e-3, OptionalDouble.of(1), 1000, 1_000_000_000),
          new TrainingEvent.Evaluated(2, 2, score(2), false),
          new TrainingEvent.StoppedEarly(2, 2));

  private final StringWriter text = new StringWriter();

  @Test
  void terminalShowsStepLossSpeedAndTimeLeft() {
    show(true, false);
    assertThat(text.toString())
        .contains("\r[==========          ] step 1/2  loss 2.0000  1000 tokens/s  0:01 left")
        .contains("\r[====================] step 2/2  loss 1.0000  1000 tokens/s  0:00 left");
  }

  @Test
  void elsewhereThereIsALineAnEpoch() {
    show(false, false);
    assertThat(text.toString().lines())
        .containsExactly(
            "epoch 1/2: mean loss 2.0000, accuracy 0.5000, macro-F1 0.4000 over 10 examples",
            "epoch 2/2: mean loss 1.0000, accuracy 0.5000, macro-F1 0.4000 over 10 examples (not"
                + " better)",
            "stopped after epoch 2: the results no longer get better");
  }

  @Test
  void epochWithoutEvaluationTellsThatItWasSaved() {
    ProgressLine line = new ProgressLine(new PrintWriter(text), false, false);
    line.on(RUN.get(0));
    line.on(RUN.get(1));
    line.on(RUN.get(3));
    assertThat(text.toString().lines())
        .containsExactly("epoch 1/2: mean loss 2.0000, adapter saved");
  }

  @Test
  void silenceIsSilent() {
    show(false, true);
    assertThat(text.toString()).isEmpty();
  }

  private static Score score(double loss) {
    return Score.of(Metric.ACCURACY, 0.5, loss, 10).with(Metric.MACRO_F1, 0.4);
  }

  private void show(boolean terminal, boolean silent) {
    ProgressLine line = new ProgressLine(new PrintWriter(text), terminal, silent);
    RUN.forEach(line::on);
  }
}
