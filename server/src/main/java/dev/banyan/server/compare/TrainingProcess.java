package dev.banyan.server.compare;

import com.fasterxml.jackson.databind.JsonNode;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.server.Banyan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * Runs {@code banyan train} in a process of its own: what a process has once held it does not give
 * back, so in one process the second method's peak would be the first one's.
 *
 * @param folder where the process's messages go
 */
record TrainingProcess(Path folder) {
  /**
   * Trains.
   *
   * @param arguments those of {@code banyan train}, without {@code --json}
   * @return what it printed
   * @throws ComparisonFailure with its last message if it fails
   */
  JsonNode run(List<String> arguments) {
    List<String> command = new ArrayList<>(java());
    command.add("train");
    command.addAll(arguments);
    command.add("--json");
    Path messages = folder.resolve("messages.txt");
    try {
      Process process = new ProcessBuilder(command).redirectError(messages.toFile()).start();
      try {
        byte[] printed = process.getInputStream().readAllBytes();
        if (process.waitFor() != 0) {
          throw new ComparisonFailure(lastLine(messages));
        }
        return JsonText.parse("the output of banyan train", printed);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CancellationException("The comparison was interrupted");
      } finally {
        process.destroy();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot train in a process of its own", e);
    }
  }

  /** The program as it runs now, but for its archive of classes, which another command made. */
  private static List<String> java() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> !option.contains("SharedArchive"))
        .forEach(command::add);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Banyan.class.getName()));
    return command;
  }

  private static String lastLine(Path messages) throws IOException {
    List<String> lines = Files.readAllLines(messages, StandardCharsets.UTF_8);
    return lines.isEmpty() ? "training failed without a word" : lines.getLast();
  }
}
