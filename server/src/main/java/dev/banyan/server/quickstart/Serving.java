package dev.banyan.server.quickstart;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.data.Example;
import dev.banyan.server.wiring.RunningServer;
import dev.banyan.server.wiring.ServerConfig;
import dev.banyan.server.wiring.Wiring;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * Step 3: the real server, with the requests of all tenants interleaved and two changes under way.
 */
final class Serving implements AutoCloseable {
  private static final int CALLERS = 16;
  private static final int ROUNDS = 5;

  private final Screen screen;
  private final EmbeddedFiles files;
  private final Path run;
  private final Path adapters;
  private final RunningServer server;
  private final Traffic traffic;

  Serving(Screen screen, EmbeddedFiles files, Bundle bundle, Path run) {
    this.screen = screen;
    this.files = files;
    this.run = run;
    this.adapters = run.resolve("adapters");
    this.server = Wiring.start(ServerConfig.of(bundle.dir(), adapters).withPort(0));
    this.traffic = new Traffic(server.url());
  }

  Summary.Serving run() {
    showAnswers();
    List<Traffic.Request> requests = requests();
    Tenant newer = Tenant.newerVersion();
    Tenant older = Tenant.all().getLast();
    List<Traffic.Interruption> interruptions =
        List.of(
            new Traffic.Interruption(requests.size() / 3, () -> add(newer)),
            new Traffic.Interruption(
                requests.size() * 2 / 3, () -> traffic.load(older.model(), newer.model())));
    double runsBefore = traffic.metric("banyan_batch_rows_count");
    double rowsBefore = traffic.metric("banyan_batch_rows_sum");
    long begin = System.nanoTime();
    List<Traffic.Reply> replies = traffic.send(requests, CALLERS, interruptions);
    double seconds = (System.nanoTime() - begin) / 1e9;
    double rows = traffic.metric("banyan_batch_rows_sum") - rowsBefore;
    double runs = traffic.metric("banyan_batch_rows_count") - runsBefore;
    return report(replies, rows / runs, seconds);
  }

  /** One answer of each tenant. */
  private void showAnswers() {
    for (Tenant tenant : Tenant.all()) {
      Example.Labelled example = heldOut(tenant).getFirst();
      Traffic.Reply reply =
          traffic.classify(new Traffic.Request(tenant.model(), example.text(), example.label()));
      String text = example.text();
      screen.line(
          "%-20s %-62s -> %s (%.2f)"
              .formatted(
                  tenant.model(),
                  text.length() > 60 ? text.substring(0, 57) + "..." : text,
                  reply.label(),
                  reply.score()));
    }
  }

  private List<Example.Labelled> heldOut(Tenant tenant) {
    return Dataset.read(files.eval(tenant)).examples(Example.Labelled::of);
  }

  /** All held-out texts of all tenants in turn, several times. */
  private List<Traffic.Request> requests() {
    List<List<Traffic.Request>> byTenant = new ArrayList<>();
    for (Tenant tenant : Tenant.all()) {
      byTenant.add(
          heldOut(tenant).stream()
              .map(example -> new Traffic.Request(tenant.model(), example.text(), example.label()))
              .toList());
    }
    int longest = byTenant.stream().mapToInt(List::size).max().orElseThrow();
    List<Traffic.Request> requests = new ArrayList<>();
    for (int i = 0; i < longest * ROUNDS; i++) {
      for (List<Traffic.Request> each : byTenant) {
        requests.add(each.get(i % each.size()));
      }
    }
    return requests;
  }

  /** Puts an adapter's folder where the server finds it, and loads it. */
  private void add(Tenant tenant) {
    Path target = adapters.resolve(tenant.model());
    try {
      Files.move(run.resolve(Training.STAGED).resolve(tenant.model()), target);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot put an adapter at " + target, e);
    }
    traffic.load(tenant.model(), tenant.model());
  }

  private Summary.Serving report(
      List<Traffic.Reply> replies, double meanBatchRows, double seconds) {
    double[] millis = replies.stream().mapToDouble(Traffic.Reply::millis).sorted().toArray();
    int failed = (int) replies.stream().filter(Traffic.Reply::failed).count();
    long right = replies.stream().filter(Traffic.Reply::right).count();
    Summary.Serving shown =
        new Summary.Serving(
            replies.size(),
            failed,
            quantile(millis, 0.5),
            quantile(millis, 0.99),
            meanBatchRows,
            seconds);
    screen.line(
        "%d requests of 3 tenants by %d callers in %.1f s: %d failed, %.1f %% as people labelled them"
            .formatted(shown.requests(), CALLERS, seconds, failed, 100.0 * right / replies.size()));
    screen.line(
        "p50 %.1f ms  p99 %.1f ms  %.1f rows a batch"
            .formatted(shown.p50Millis(), shown.p99Millis(), meanBatchRows));
    screen.line(
        "meanwhile: %s added, and %s replaced by it"
            .formatted(Tenant.newerVersion().model(), Tenant.all().getLast().model()));
    if (failed > 0) {
      throw new QuickstartFailure(failed + " of " + replies.size() + " requests failed");
    }
    return shown;
  }

  /** The value that so large a share of the sorted values does not exceed. */
  static double quantile(double[] sorted, double share) {
    return sorted[Math.clamp((long) Math.ceil(share * sorted.length) - 1, 0, sorted.length - 1)];
  }

  /** Keeps the server up until the process is told to end. */
  void stay() {
    screen.heading("The server stays up at " + server.url() + "; end it with Ctrl-C. Try:");
    for (Tenant tenant : Tenant.all()) {
      String text = heldOut(tenant).getLast().text();
      screen.line(
          "curl -s %s/v1/classify -H 'Content-Type: application/json' -d '{\"model\": \"%s\", \"input\": \"%s\"}'"
              .formatted(server.url(), tenant.model(), text.replaceAll("[\"'\\\\]", "")));
    }
    screen.line("curl -s %s/v1/models".formatted(server.url()));
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    traffic.close();
    server.close();
  }
}
