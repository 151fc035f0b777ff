package dev.banyan.server.telemetry;

import dev.banyan.server.batch.BatchListener;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;

/**
 * Counts and times, in Prometheus' form:
 *
 * <ul>
 *   <li>{@code banyan_request_seconds} (histogram; its count is the number of requests) by {@code
 *       operation}, {@code model} and {@code outcome}: ok, refused, failed, abandoned
 *   <li>{@code banyan_batch_rows}, {@code banyan_batch_adapters} (histograms), {@code
 *       banyan_batch_seconds}, {@code banyan_batch_tokens}: what ran together
 *   <li>{@code banyan_queue_rows}, {@code banyan_slots_used}: how full the server is
 * </ul>
 */
public final class ServerMetrics implements BatchListener {
  private static final List<Duration> LATENCIES =
      List.of(5, 10, 25, 50, 100, 250, 500, 1000, 5000).stream().map(Duration::ofMillis).toList();
  private static final double[] COUNTS = {1, 2, 4, 8, 16, 32, 64};

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final DistributionSummary batchRows = counts("banyan.batch.rows", "Rows of a batch");
  private final DistributionSummary batchAdapters =
      counts("banyan.batch.adapters", "Different models in a batch");
  private final DistributionSummary batchTokens =
      DistributionSummary.builder("banyan.batch.tokens")
          .description("Tokens of a batch, without padding")
          .register(registry);
  private final Timer batchTime =
      Timer.builder("banyan.batch").description("One run of the model").register(registry);

  /** Nothing counted yet. */
  public ServerMetrics() {}

  private DistributionSummary counts(String name, String description) {
    return DistributionSummary.builder(name)
        .description(description)
        .serviceLevelObjectives(COUNTS)
        .register(registry);
  }

  /** Shows a number that is asked for whenever the metrics are read. */
  public void gauge(String name, String description, Supplier<Number> value) {
    Gauge.builder(name, value).description(description).register(registry);
  }

  /** A request has been answered or refused. */
  public void answered(String operation, String model, String outcome, long nanos) {
    Timer.builder("banyan.request")
        .description("From the request's check to its answer")
        .tags("operation", operation, "model", model, "outcome", outcome)
        .serviceLevelObjectives(LATENCIES.toArray(Duration[]::new))
        .register(registry)
        .record(Duration.ofNanos(nanos));
  }

  /** Drops the series of a model that is no more. */
  public void forget(String model) {
    for (Meter meter : registry.getMeters()) {
      if (model.equals(meter.getId().getTag("model"))) {
        registry.remove(meter);
      }
    }
  }

  @Override
  public void ran(BatchRun run) {
    batchRows.record(run.rows());
    batchAdapters.record(run.lanes());
    batchTokens.record(run.tokens());
    batchTime.record(Duration.ofNanos(run.nanos()));
  }

  /** All metrics as {@code text/plain; version=0.0.4}. */
  public String scrape() {
    return registry.scrape();
  }
}
