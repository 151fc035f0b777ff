package dev.banyan.benchmarks;

import dev.banyan.artifacts.integrity.AtomicFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code benchmarks/run}: measures and prints tables in Markdown. */
@Command(
    name = "benchmarks/run",
    mixinStandardHelpOptions = true,
    description = "Measures what Banyan promises about time and memory, and prints it as Markdown.")
public final class BenchmarkCommand implements Callable<Integer> {
  /** What can be measured. */
  enum Benchmark {
    MIXED_BATCH(31),
    MIXED_METHODS(15),
    ADAPTER_LOAD(100),
    START_UP(5),
    LARGE_MODEL(1);

    private final int rounds;

    Benchmark(int rounds) {
      this.rounds = rounds;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  @Parameters(
      arity = "1..*",
      paramLabel = "BENCHMARK",
      description = "any of: ${COMPLETION-CANDIDATES}")
  private List<Benchmark> benchmarks = List.of();

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "how often each is run (default: 31, 15, 100 and 5; large-model runs once)")
  private Optional<Integer> rounds = Optional.empty();

  @Option(
      names = "--root",
      required = true,
      hidden = true,
      description = "folder of the banyan script; benchmarks/run gives it")
  private Path root = Path.of("");

  /** Made by picocli. */
  public BenchmarkCommand() {}

  @Override
  public Integer call() throws Exception {
    Path dir = Files.createTempDirectory("banyan-benchmarks");
    try {
      MiniLm miniLm = new MiniLm(dir);
      for (Benchmark benchmark : benchmarks) {
        System.out.println("## " + benchmark + "\n\n" + Machine.describe() + "\n");
        System.out.println(measure(benchmark, miniLm));
      }
    } finally {
      AtomicFiles.deleteTree(dir);
    }
    return 0;
  }

  private String measure(Benchmark benchmark, MiniLm miniLm) throws Exception {
    int count = rounds.orElse(benchmark.rounds);
    return switch (benchmark) {
      case MIXED_BATCH -> new MixedBatch(miniLm, count).measure();
      case MIXED_METHODS -> new MixedMethods(miniLm, count).measure();
      case ADAPTER_LOAD -> new AdapterLoad(miniLm, count).measure();
      case START_UP -> new StartUp(miniLm, count, root).measure();
      case LARGE_MODEL -> new LargeJob(miniLm.dir(), root).measure();
    };
  }

  /** The program. */
  public static void main(String[] arguments) {
    CommandLine line = new CommandLine(new BenchmarkCommand());
    line.registerConverter(
        Benchmark.class,
        text -> Benchmark.valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_')));
    System.exit(line.execute(arguments));
  }
}
