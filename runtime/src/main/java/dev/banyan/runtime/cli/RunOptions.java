package dev.banyan.runtime.cli;

import dev.banyan.runtime.training.RunPlace;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a run leaves its result and its state, as flags. */
final class RunOptions {
  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Where the adapter goes (PEFT's layout); an adapter there is replaced.")
  private Path out = Path.of("");

  @Option(
      names = "--resume",
      description = "Go on where an interrupted run of the same command has saved its state.")
  private boolean resume;

  @Option(
      names = "--save-every",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Save the state after every N steps too; 0 for only at the end of each epoch (default: ${DEFAULT-VALUE}).")
  private int saveEvery;

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description =
          "Where the state lies until the run has ended (default: hidden beside --out, .<name>.state).")
  private @Nullable Path state;

  Path out() {
    return out;
  }

  /**
   * The place these flags name.
   *
   * @throws IllegalArgumentException that names the flag that is out of range
   */
  RunPlace place() {
    return new RunPlace(out, state == null ? RunPlace.stateOf(out) : state, saveEvery, resume);
  }
}
