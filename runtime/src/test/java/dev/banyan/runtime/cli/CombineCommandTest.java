package dev.banyan.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.runtime.TinyBundle;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.inference.TinyAdapters;
import dev.banyan.runtime.ort.SessionSettings;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class CombineCommandTest {
  @TempDir static Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final AtomicReference<Exception> failure = new AtomicReference<>();

  @BeforeAll
  static void adapters() {
    TinyAdapters.random(2, 3, 1).write(folder.resolve("a"));
    TinyAdapters.random(4, 3, 2).write(folder.resolve("b"));
    TinyAdapters.random(4, 5, 3).write(folder.resolve("five"));
  }

  /** In the flags, {@code ~} stands for the folder. */
  private int combine(String flags) {
    CommandLine command = new CommandLine(new CombineCommand());
    command.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    command.setCaseInsensitiveEnumValuesAllowed(true);
    command.setExecutionExceptionHandler(
        (exception, line, parsed) -> {
          failure.set(exception);
          return 1;
        });
    return command.execute(flags.replace("~", folder.toString()).split(" "));
  }

  @Test
  void whatIsMadeIsAnAdapterOfTheBaseAndTheFiguresSayHowNearItIs() throws JsonProcessingException {
    assertThat(combine("--adapter ~/a=0.7 --adapter ~/b=0.3 --type cat --out ~/cat --json"))
        .isZero();
    JsonNode json = new JsonMapper().readTree(out.toString());
    PeftAdapter made = PeftAdapter.read(folder.resolve("cat"));
    assertThat(json.path("digest").textValue()).isEqualTo(made.digest().toString());
    assertThat(json.path("rank").intValue()).isEqualTo(6);
    assertThat(json.path("layers").intValue()).isEqualTo(1);
    assertThat(json.path("labels")).hasSize(3);
    // Rounding of 32-bit factors.
    assertThat(json.path("distance").doubleValue()).isCloseTo(0, within(1e-6));
    AdapterWeights fitted =
        AdapterWeights.fit(
            made,
            TinyBundle.write(folder.resolve("bundle")),
            new ServingPlan(1, 6, 3, SessionSettings.defaults()));
    assertThat(fitted.rank()).isEqualTo(6);
  }

  @Test
  void everyFlagOfATypeIsTaken() {
    assertThat(
            combine(
                "--adapter ~/a --adapter ~/b=-0.5 --type dare_ties_svd --density 0.6 --majority-sign"
                    + " frequency --svd-rank 3 --seed 9 --head first --out ~/all"))
        .isZero();
    assertThat(out.toString())
        .contains("Combined by dare_ties_svd: 1 layers of rank 3", "1.0 x ", "-0.5 x ", "label 2");
  }

  @Test
  void aHeadIsChosenByItsAdaptersFolder() {
    assertThat(combine("--adapter ~/b --adapter ~/five --type linear --head five --out ~/chosen"))
        .isZero();
    assertThat(PeftAdapter.read(folder.resolve("chosen")).metadata().labels()).hasSize(5);
    assertThat(combine("--adapter ~/b --adapter ~/five --type linear --out ~/none")).isEqualTo(1);
    assertThat(failure.get())
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("say which head to take");
    assertThat(Files.exists(folder.resolve("none"))).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --adapter ~/a=much                   | is no weight; expected DIR=0.7
          --adapter ~/a --type ties            | --type ties needs --density
          --adapter ~/a --type ties --density 2| --density is 2.0; expected above 0 and at most 1
          --adapter ~/a --density 0.5          | --density means nothing to --type svd
          --adapter ~/a --type cat --svd-rank 4| --svd-rank means nothing to --type cat
          --adapter ~/a --svd-rank 0           | --svd-rank is 0; expected 1 or more
          --adapter ~/a --seed 1               | --seed means nothing to --type svd
          --adapter ~/a --majority-sign total  | --majority-sign means nothing to --type svd
          --adapter ~/a --head c               | --head is c; expected mean, first or one of the folders
          """)
  void aFlagThatCannotBeUsedIsAMistake(String flags, String message) {
    assertThat(combine(flags.strip() + " --out ~/never")).isEqualTo(2);
    assertThat(err.toString()).contains(message);
    assertThat(Files.exists(folder.resolve("never"))).isFalse();
  }
}
