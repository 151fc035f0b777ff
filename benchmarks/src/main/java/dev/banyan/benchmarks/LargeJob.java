package dev.banyan.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What memory it takes to prepare a model of more than 2 GiB and to train a step on it. The
 * processes are real ones of {@code ./banyan}; Linux says what they use.
 */
final class LargeJob {
  private static final double MIB = 1 << 20;

  private final Path folder;
  private final Path root;

  /**
   * @param folder for some 5 GiB of files
   * @param root folder of the {@code banyan} script
   */
  LargeJob(Path folder, Path root) {
    this.folder = folder;
    this.root = root;
  }

  /** Peak memory and time of both commands, in Markdown. */
  String measure() throws IOException, InterruptedException {
    long start = System.nanoTime();
    Path model = LargeModel.write(Files.createDirectories(folder.resolve("large")));
    double seconds = (System.nanoTime() - start) / 1e9;
    Path tokenizer = folder.resolve("tokenizer.json");
    Files.writeString(tokenizer, tokenizer());
    Path data = folder.resolve("train.jsonl");
    Files.write(data, examples());
    Path bundle = folder.resolve("bundle");
    double bound = 1.3 * LargeModel.LARGEST / MIB + 1024;
    Table table =
        new Table(
            "command", "peak RSS MiB", "of it own", "of it mapped files", "s", "bound on RSS MiB");
    row(
        table,
        "prepare",
        "%.0f".formatted(bound),
        List.of(
            "prepare",
            "--model",
            model.toString(),
            "--tokenizer",
            tokenizer.toString(),
            "--task",
            "text-classification",
            "--targets",
            "query,value",
            "--max-length",
            "128",
            "--out",
            bundle.toString()));
    row(
        table,
        "train --max-steps 1",
        "",
        List.of(
            "train",
            "--bundle",
            bundle.toString(),
            "--data",
            data.toString(),
            "--max-steps",
            "1",
            "--batch-size",
            "4",
            "--out",
            folder.resolve("adapter").toString()));
    return "Model: %.2f GiB, largest weight %.2f GiB, made in %.0f s%n%n%s"
        .formatted(
            Files.size(model.resolveSibling("model.onnx.data")) / MIB / 1024,
            LargeModel.LARGEST / MIB / 1024,
            seconds,
            table);
  }

  /** Peaks are seen by looking often: the kernel keeps only the sum's. */
  private void row(Table table, String name, String bound, List<String> arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(root.resolve("banyan").toString()));
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    // The build is benchmarks/run's business.
    builder.environment().put("BANYAN_BUILD", "never");
    long start = System.nanoTime();
    Process process = builder.start();
    long peak = 0;
    long own = 0;
    long mapped = 0;
    while (!process.waitFor(20, TimeUnit.MILLISECONDS)) {
      peak = Math.max(peak, kibibytes(process.pid(), "VmHWM:"));
      own = Math.max(own, kibibytes(process.pid(), "RssAnon:"));
      mapped = Math.max(mapped, kibibytes(process.pid(), "RssFile:"));
    }
    if (process.exitValue() != 0) {
      throw new IllegalStateException("banyan " + name + " ended with " + process.exitValue());
    }
    table.row(
        name,
        "%d".formatted(peak >> 10),
        "%d".formatted(own >> 10),
        "%d".formatted(mapped >> 10),
        "%.1f".formatted((System.nanoTime() - start) / 1e9),
        bound);
  }

  private static long kibibytes(long process, String key) throws IOException {
    try {
      return Files.readAllLines(Path.of("/proc/" + process + "/status")).stream()
          .filter(line -> line.startsWith(key))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
          .findFirst()
          .orElse(0);
    } catch (NoSuchFileException gone) {
      return 0;
    }
  }

  private static String tokenizer() {
    String words =
        IntStream.range(1, 1000)
            .mapToObj(id -> "\"w" + id + "\":" + id)
            .collect(Collectors.joining(","));
    return """
    {"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
     "pre_tokenizer":{"type":"Whitespace"},"post_processor":null,"decoder":null,
     "model":{"type":"WordLevel","vocab":{"[UNK]":0,%s},"unk_token":"[UNK]"}}
    """
        .formatted(words);
  }

  private static List<String> examples() {
    return IntStream.range(0, 8)
        .mapToObj(
            i ->
                "{\"text\": \"w%d w%d w%d w%d\", \"label\": \"%s\"}"
                    .formatted(
                        i + 1, 2 * i + 3, 7 * i + 5, 11 * i + 9, i % 2 == 0 ? "even" : "odd"))
        .toList();
  }
}
