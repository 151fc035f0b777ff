package dev.banyan.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.banyan.artifacts.bundle.Bundle;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How long the program takes from the start of its process to its first training step, and to its
 * first answer over HTTP. The processes are real ones of {@code ./banyan}.
 */
final class StartUp {
  private static final String ADAPTER = "bench/one";

  private final MiniLm miniLm;
  private final int rounds;
  private final Path root;
  private final HttpClient client = HttpClient.newHttpClient();

  /**
   * @param root folder of the {@code banyan} script
   */
  StartUp(MiniLm miniLm, int rounds, Path root) {
    this.miniLm = miniLm;
    this.rounds = rounds;
    this.root = root;
  }

  /** The times of both commands, in Markdown; the first start of a fresh build stands apart. */
  String measure() throws IOException, InterruptedException {
    Bundle bundle = miniLm.bundle("query,value");
    Path data = miniLm.dir().resolve("train.jsonl");
    Files.write(data, examples());
    Path adapters = miniLm.dir().resolve("adapters");
    Files.createDirectories(adapters.resolve(ADAPTER).getParent());
    new RandomAdapter(8, 4, 1).of(bundle.manifest()).write(adapters.resolve(ADAPTER));
    forgetLoadedClasses();
    Table table =
        new Table("from process start", "median s", "quartiles s", "first start of a build s");
    addRow(table, "train to its first step", () -> train(bundle, data));
    addRow(table, "serve to its first answer", () -> serve(bundle, adapters));
    return table.toString();
  }

  private interface Start {
    double seconds() throws IOException, InterruptedException;
  }

  private void addRow(Table table, String name, Start start)
      throws IOException, InterruptedException {
    double first = start.seconds();
    Samples samples = new Samples();
    for (int round = 0; round < rounds; round++) {
      samples.add(start.seconds());
    }
    table.row(
        name, "%.2f".formatted(samples.median()), samples.quartiles(), "%.2f".formatted(first));
  }

  /** Removes the archives of loaded classes that earlier starts of the program have left. */
  private void forgetLoadedClasses() throws IOException {
    try (var files = Files.newDirectoryStream(root.resolve("server/target/app"), "*.jsa")) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
  }

  private double train(Bundle bundle, Path data) throws IOException, InterruptedException {
    Process process =
        start(
            "train",
            "--bundle",
            bundle.dir().toString(),
            "--data",
            data.toString(),
            "--max-steps",
            "1",
            "--out",
            miniLm.dir().resolve("trained").toString(),
            "--json");
    byte[] json = process.getInputStream().readAllBytes();
    int status = process.waitFor();
    if (status != 0) {
      throw new IllegalStateException("banyan train ended with " + status);
    }
    return new ObjectMapper().readTree(json).path("first_step_seconds").asDouble();
  }

  private double serve(Bundle bundle, Path adapters) throws IOException, InterruptedException {
    long start = System.nanoTime();
    Process process =
        start(
            "serve",
            "--bundle",
            bundle.dir().toString(),
            "--adapters",
            adapters.toString(),
            "--port",
            "0");
    try (BufferedReader lines = reader(process)) {
      askUntilAnswered(URI.create(url(lines)).resolve("/v1/classify"), process);
      return (System.nanoTime() - start) / 1e9;
    } finally {
      process.destroy();
      process.waitFor();
    }
  }

  private static BufferedReader reader(Process process) {
    return new BufferedReader(
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  private static String url(BufferedReader lines) throws IOException {
    String line = lines.readLine();
    while (line != null) {
      int at = line.indexOf("http://");
      if (at >= 0) {
        return line.substring(at).strip();
      }
      line = lines.readLine();
    }
    throw new IllegalStateException("banyan serve ended without saying where it serves");
  }

  private void askUntilAnswered(URI uri, Process process) throws IOException, InterruptedException {
    String body = "{\"model\": \"%s\", \"input\": [\"Where is my parcel?\"]}".formatted(ADAPTER);
    HttpRequest request =
        HttpRequest.newBuilder(uri)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
    while (response.statusCode() == 503 && process.isAlive()) {
      response = client.send(request, HttpResponse.BodyHandlers.ofString());
    }
    if (response.statusCode() != 200) {
      throw new IllegalStateException(
          "banyan serve answered %d: %s".formatted(response.statusCode(), response.body()));
    }
  }

  private Process start(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(root.resolve("banyan").toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    // The build is benchmarks/run's business.
    builder.environment().put("BANYAN_BUILD", "never");
    return builder.start();
  }

  private static List<String> examples() {
    List<String> topics = List.of("parcel", "invoice", "password", "delivery");
    return IntStream.range(0, 64)
        .mapToObj(
            i ->
                "{\"text\": \"A question about my %s, number %d, which nobody has answered yet\", \"label\": \"%s\"}"
                    .formatted(topics.get(i % 4), i, topics.get(i % 4)))
        .toList();
  }
}
