package dev.banyan.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** The program as a whole: what it says about itself, and about what cannot be. */
class BanyanTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    CommandLine commands = Banyan.commands();
    commands.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    return Banyan.run(commands, args);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          serve --bundle b --adapters a --port 99999 | banyan serve: port is 99999; expected 0 to 65535
          serve --bundle b --adapters a --slots 0    | banyan serve: slots is 0; expected 1 or more
          serve --bundle b --adapters a --device tpu | banyan serve: 'tpu' is not a device
          evaluate --bundle b                        | banyan evaluate: Missing required options
          train --rank eight                         | banyan train: Invalid value for option '--rank'
          prepare --task ner                         | banyan prepare: Invalid value for option '--task'
          """)
  void aMistakeIsOneLineThatSaysWhereHelpIs(String args, String expected) {
    assertThat(run(args.split(" "))).isEqualTo(2);
    assertThat(out.toString()).isEmpty();
    assertThat(err.toString().strip()).startsWith(expected).endsWith("--help").doesNotContain("\n");
  }

  @Test
  void aMisspeltCommandGetsASuggestion() {
    assertThat(run("trian")).isEqualTo(2);
    assertThat(err.toString()).contains("Did you mean: banyan train");
  }

  @Test
  void aFailureIsOneLineAndNothingOnStandardOutput() {
    assertThat(run("train", "--json", "--bundle", "nowhere", "--data", "d", "--out", "o"))
        .isEqualTo(1);
    assertThat(out.toString()).isEmpty();
    assertThat(err.toString().strip())
        .isEqualTo(
            "banyan train: nowhere: no bundle.json in it; name a folder made by 'banyan prepare'");
  }

  @Test
  void aDiskThatRefusesIsNamedWithItsReason() {
    assertThat(
            Banyan.message(
                new UncheckedIOException("Cannot write out", new AccessDeniedException("/out/a"))))
        .isEqualTo("Cannot write out: no permission for /out/a");
    assertThat(
            Banyan.message(
                new UncheckedIOException(
                    "Cannot write out",
                    new FileSystemException("/out/a", null, "No space left on device"))))
        .isEqualTo("Cannot write out: /out/a: No space left on device");
  }

  @Test
  void everyCommandIsDescribedAsAnOrder() {
    List<String> firstWords =
        Banyan.commands().getSubcommands().values().stream()
            .map(command -> command.getCommandSpec().usageMessage().description()[0])
            .map(text -> text.substring(0, text.indexOf(' ')))
            .toList();
    assertThat(firstWords)
        .containsExactly(
            "Show", "Store", "List", "Prepare", "Train", "Judge", "Train", "Make", "Merge", "Write",
            "Serve", "Show");
  }

  @Test
  void withoutACommandTheListIsShownAsAMistake() {
    assertThat(run()).isEqualTo(2);
    assertThat(err.toString())
        .contains(
            "inspect",
            "quantize",
            "prepare",
            "train",
            "evaluate",
            "combine",
            "merge",
            "export",
            "serve");
    assertThat(out.toString()).isEmpty();
  }
}
