package dev.banyan.server.cli;

import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.Device;
import dev.banyan.server.wiring.RunningServer;
import dev.banyan.server.wiring.ServerConfig;
import dev.banyan.server.wiring.Wiring;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Serves one base with the adapters of a folder until it is told to stop. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Serve one base model with many adapters over HTTP.",
      "Adapters are found in the folder as <tenant>/<name> and asked for by that name; more can be "
          + "loaded, replaced and removed while requests flow (POST and DELETE /v1/adapters). "
          + "SIGTERM and Ctrl-C finish the requests in flight, then the program ends with 0."
    })
public final class ServeCommand implements Callable<Integer> {
  @Option(
      names = "--bundle",
      required = true,
      paramLabel = "DIR",
      description = "Bundle made by 'banyan prepare'.")
  private Path bundle = Path.of("");

  @Option(
      names = "--adapters",
      required = true,
      paramLabel = "DIR",
      description = "Folder of adapters: <tenant>/<name>/adapter_config.json.")
  private Path adapters = Path.of("");

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      defaultValue = "127.0.0.1",
      description = "Address to listen on (default: ${DEFAULT-VALUE}).")
  private String host = "";

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "8080",
      description = "Port to listen on; 0 takes a free one (default: ${DEFAULT-VALUE}).")
  private int port;

  @Option(
      names = "--slots",
      paramLabel = "N",
      defaultValue = "64",
      description = "Adapters in memory at once; others wait on disk (default: ${DEFAULT-VALUE}).")
  private int slots;

  @Option(
      names = "--max-rank",
      paramLabel = "R",
      defaultValue = "16",
      description = "Largest rank an adapter may have (default: ${DEFAULT-VALUE}).")
  private int maxRank;

  @Option(
      names = "--max-labels",
      paramLabel = "N",
      defaultValue = "64",
      description = "Most labels an adapter may have (default: ${DEFAULT-VALUE}).")
  private int maxLabels;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "32",
      description =
          "Most virtual tokens an adapter's prompt or prefix may have (default: ${DEFAULT-VALUE}).")
  private int maxTokens;

  @Option(
      names = "--max-bottleneck",
      paramLabel = "N",
      defaultValue = "64",
      description =
          "Greatest width that an adapter's bottlenecks may have (default: ${DEFAULT-VALUE}).")
  private int maxBottleneck;

  @Option(
      names = "--max-projection",
      paramLabel = "R",
      defaultValue = "256",
      description =
          "Largest rank that an adapter of the method vera may have (default: ${DEFAULT-VALUE}).")
  private int maxProjection;

  @Option(
      names = "--projections",
      paramLabel = "N",
      defaultValue = "4",
      description =
          "Different random matrices that adapters of the method vera may have; all of one key and"
              + " rank share theirs (default: ${DEFAULT-VALUE}).")
  private int projections;

  @Option(
      names = "--mixtures",
      paramLabel = "N",
      defaultValue = "4",
      description =
          "Mixtures of adapters by weight in memory at once, beside the slots"
              + " (default: ${DEFAULT-VALUE}).")
  private int mixtures;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "cpu",
      description = "Where to compute: cpu, cuda or cuda:<number> (default: ${DEFAULT-VALUE}).")
  private String device = "";

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads inside an operator; 0 is one per core (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Made by picocli. */
  public ServeCommand() {}

  @Override
  public Integer call() throws InterruptedException {
    ServerConfig config = config();
    RunningServer server = Wiring.start(config);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> drain(server), "banyan-shutdown"));
    System.out.println("Banyan serves on " + server.url());
    System.out.flush();
    // Only the signal's hook ends the process.
    new CountDownLatch(1).await();
    return 0;
  }

  private Sizes room() {
    return ServingPlan.usualRoom()
        .with(Size.RANK, maxRank)
        .with(Size.LABELS, maxLabels)
        .with(Size.TOKENS, maxTokens)
        .with(Size.BOTTLENECK, maxBottleneck)
        .with(Size.PROJECTION, maxProjection);
  }

  private ServerConfig config() {
    try {
      return ServerConfig.of(bundle, adapters)
          .withHost(host)
          .withPort(port)
          .withCapacity(new ServerConfig.Capacity(slots, room(), projections, mixtures))
          .withDevice(Device.parse(device), threads);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  /** A JVM that was ended by a signal says so in its exit code; a drained server has ended well. */
  private static void drain(RunningServer server) {
    System.err.println("Finishing requests in flight.");
    server.close();
    Runtime.getRuntime().halt(0);
  }
}
