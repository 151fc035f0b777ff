package dev.banyan.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.runtime.TinyBundle;
import dev.banyan.runtime.TinyData;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * Real {@code train} processes are killed at random moments, as by {@code kill -9}, while another
 * thread reads the adapter as a server would. {@code -Dbanyan.kills=20} kills more often.
 */
class KilledTrainingTest {
  private static final int KILLS = Integer.getInteger("banyan.kills", 5);
  private static final long SEED = Long.getLong("banyan.seed", 4);

  /** Longer than it takes from one saved state to the next, so that any moment may be hit. */
  private static final int MOST_MILLIS_AFTER_A_STATE = 120;

  @TempDir Path folder;

  @Test
  void killedRunGoesOnFromItsLastStateToTheSameBytes() throws IOException, InterruptedException {
    TinyBundle.write(folder.resolve("bundle"));
    Files.writeString(folder.resolve("train.jsonl"), TinyData.examples(200, 1));
    Files.writeString(folder.resolve("eval.jsonl"), TinyData.examples(60, 2));
    CommandLine whole = new CommandLine(new TrainCommand());
    whole.setOut(new PrintWriter(Writer.nullWriter()));
    assertThat(whole.execute(arguments("whole", false))).isZero();

    Random random = new Random(SEED);
    AtomicInteger reads = new AtomicInteger();
    for (int kills = 0, chain = 0; kills < KILLS; chain++) {
      String name = "parts-" + chain;
      try (Server _ = new Server(folder.resolve(name), reads)) {
        boolean ended = false;
        while (!ended && kills < KILLS) {
          ended = !isKilled(name, random);
          kills += ended ? 0 : 1;
          requireWhole(folder.resolve(name));
        }
        boolean resume = Files.exists(state(name));
        if (!ended) {
          assertThat(start(name, resume).waitFor()).as("seed %d", SEED).isZero();
        }
      }
      for (String file : List.of("adapter_model.safetensors", "adapter_config.json")) {
        assertThat(folder.resolve(name).resolve(file))
            .as("seed %d", SEED)
            .hasSameBinaryContentAs(folder.resolve("whole").resolve(file));
      }
      try (var left = Files.list(folder)) {
        assertThat(left.map(path -> String.valueOf(path.getFileName())))
            .noneMatch(file -> file.startsWith("." + name + "."));
      }
    }
    assertThat(reads.get()).isPositive();
  }

  /** Lets a run get to a new state and kills it a moment later; false if it ended before that. */
  private boolean isKilled(String name, Random random) throws IOException, InterruptedException {
    byte[] before = stateBytes(name);
    Process process = start(name, before.length > 0);
    try {
      while (Arrays.equals(stateBytes(name), before)) {
        if (process.waitFor(2, TimeUnit.MILLISECONDS)) {
          assertThat(process.exitValue()).as("seed %d", SEED).isZero();
          return false;
        }
      }
      return !process.waitFor(random.nextInt(MOST_MILLIS_AFTER_A_STATE), TimeUnit.MILLISECONDS);
    } finally {
      process.destroyForcibly().waitFor();
    }
  }

  private Path state(String name) {
    return folder.resolve("." + name + ".state").resolve("state.json");
  }

  private byte[] stateBytes(String name) throws IOException {
    return Files.exists(state(name)) ? Files.readAllBytes(state(name)) : new byte[0];
  }

  private Process start(String name, boolean resume) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                TrainCommandTest.TrainMain.class.getName()));
    command.addAll(List.of(arguments(name, resume)));
    return new ProcessBuilder(command)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private String[] arguments(String name, boolean resume) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--bundle=" + folder.resolve("bundle"),
                "--data=" + folder.resolve("train.jsonl"),
                "--eval=" + folder.resolve("eval.jsonl"),
                "--out=" + folder.resolve(name),
                "--learning-rate=0.002",
                "--epochs=30",
                "--eval-every=3",
                "--patience=1000",
                "--save-every=2",
                "--json"));
    if (resume) {
      arguments.add("--resume");
    }
    return arguments.toArray(String[]::new);
  }

  /** With no process at work, the adapter is whole or not there. */
  private static void requireWhole(Path adapter) {
    assertThat(!Files.exists(adapter) || isRead(adapter)).isTrue();
  }

  /**
   * Reads an adapter; what is damaged fails. False if it was moved aside just then, as a new one
   * was put in its place.
   */
  private static boolean isRead(Path adapter) {
    try {
      return !PeftAdapter.read(adapter).metadata().labels().isEmpty();
    } catch (UnusableArtifact e) {
      return false;
    }
  }

  /** Reads the adapter again and again. */
  private static final class Server implements AutoCloseable {
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final Thread thread;
    private volatile boolean stopped;

    Server(Path adapter, AtomicInteger reads) {
      thread =
          Thread.ofPlatform()
              .name("reader")
              .uncaughtExceptionHandler((_, thrown) -> failure.set(thrown))
              .start(
                  () -> {
                    while (!stopped) {
                      if (isRead(adapter)) {
                        reads.incrementAndGet();
                      }
                    }
                  });
    }

    @Override
    public void close() {
      stopped = true;
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      assertThat(failure.get()).isNull();
    }
  }
}
