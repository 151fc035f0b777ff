package dev.banyan.server.wiring;

import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.server.adapter.AdapterFolder;
import dev.banyan.server.adapter.AdapterRegistry;
import dev.banyan.server.adapter.Mixtures;
import dev.banyan.server.adapter.ServedAdapters;
import dev.banyan.server.adapter.SlotRange;
import dev.banyan.server.api.Contract;
import dev.banyan.server.api.HttpApi;
import dev.banyan.server.api.InFlight;
import dev.banyan.server.batch.Admission;
import dev.banyan.server.batch.BatchListener;
import dev.banyan.server.batch.RequestQueue;
import dev.banyan.server.inference.BankedModel;
import dev.banyan.server.inference.Inference;
import dev.banyan.server.inference.ModelRow;
import dev.banyan.server.inference.RowAnswer;
import dev.banyan.server.inference.TextModel;
import dev.banyan.server.telemetry.ServerMetrics;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.openapi.contract.OpenAPIContract;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Constructs every part of the server, in the order in which a request meets them from the inside
 * out.
 *
 * <pre>{@code
 * try (RunningServer server = Wiring.start(ServerConfig.of(bundle, adapters).withPort(0))) {
 *   System.out.println(server.url());
 * }
 * }</pre>
 */
public final class Wiring {
  private static final Logger log = LoggerFactory.getLogger(Wiring.class);

  private Wiring() {}

  /**
   * Starts a server on a bundle; returns when it answers.
   *
   * @throws dev.banyan.artifacts.integrity.ArtifactException if the folder is no sound bundle
   * @throws dev.banyan.runtime.RuntimeFailure if the model does not load
   * @throws UncheckedIOException if the adapters folder is missing or the port is taken
   */
  public static RunningServer start(ServerConfig config) {
    return start(config, () -> BankedModel.open(config.bundle(), plan(config)));
  }

  private static ServingPlan plan(ServerConfig config) {
    ServerConfig.Capacity capacity = config.capacity();
    SessionSettings session =
        SessionSettings.defaults().on(config.device()).withThreads(config.threads());
    SlotRange mixtures = mixtures(capacity);
    int slots = mixtures.first() - 1 + mixtures.count();
    return new ServingPlan(slots, capacity.room(), capacity.projections(), session);
  }

  /**
   * Behind the adapters', which are one more than may be resident: a replacement is filled before
   * the old version ends.
   */
  private static SlotRange mixtures(ServerConfig.Capacity capacity) {
    return new SlotRange(capacity.slots() + 2, capacity.mixtures());
  }

  /** Starts a server on any model; returns when it answers. The server closes the model. */
  static RunningServer start(ServerConfig config, Supplier<TextModel> opening) {
    AdapterFolder folder = new AdapterFolder(config.adapters());
    Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setWorkerPoolSize(2));
    // Reading the contract and opening the model take about as long; do both at once.
    Future<OpenAPIContract> contract = Contract.load(vertx);
    TextModel model = open(opening, vertx, contract);

    ServerMetrics metrics = new ServerMetrics();
    Admission admission = new Admission(config.limits());
    AdapterRegistry registry = new AdapterRegistry(model, config.capacity().slots());
    Mixtures mixtures = new Mixtures(model, registry, mixtures(config.capacity()));
    RequestQueue<ModelRow, RowAnswer> queue =
        new RequestQueue<>(model, config.batches(), both(metrics, admission::ran));
    Inference inference =
        new Inference(model, new ServedAdapters(registry, mixtures), admission, queue);
    metrics.gauge("banyan.queue.rows", "Rows that wait or run", admission::rows);
    metrics.gauge("banyan.slots.used", "Slots that hold an adapter", registry::slotsUsed);
    metrics.gauge("banyan.mixtures.used", "Slots that hold a mixture", mixtures::slotsUsed);
    ExecutorService workers =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("banyan-call-", 0).factory());
    Preload preload = new Preload(registry, folder, config.capacity().slots());
    preload.register();
    workers.execute(preload::load);

    InFlight inFlight = new InFlight();
    HttpApi api =
        new HttpApi(
            new HttpApi.Parts(
                model, inference, registry, folder, metrics, inFlight, preload::isDone, workers));
    Listening http = new Listening(vertx, contract, api, options(config));
    return listen(config, new RunningServer.Parts(inFlight, vertx, workers, queue, model), http);
  }

  private static TextModel open(Supplier<TextModel> opening, Vertx vertx, Future<?> contract) {
    try {
      return opening.get();
    } catch (RuntimeException | Error e) {
      // What still reads would complain about the end of its threads, below the line that matters.
      await(contract.otherwiseEmpty());
      await(vertx.close());
      throw e;
    }
  }

  private record Listening(
      Vertx vertx, Future<OpenAPIContract> contract, HttpApi api, HttpServerOptions options) {
    Future<HttpServer> start() {
      return contract.compose(
          known ->
              vertx.createHttpServer(options).requestHandler(api.router(vertx, known)).listen());
    }
  }

  private static RunningServer listen(
      ServerConfig config, RunningServer.Parts parts, Listening http) {
    try {
      int port = await(http.start()).actualPort();
      log.info("Serving {} on {}:{}", parts.model().name(), config.host(), port);
      return new RunningServer(parts, config.host(), port, config.drain());
    } catch (RuntimeException | Error e) {
      new RunningServer(parts, config.host(), config.port(), config.drain()).close();
      throw e;
    }
  }

  private static BatchListener both(BatchListener first, BatchListener second) {
    return run -> {
      first.ran(run);
      second.ran(run);
    };
  }

  private static HttpServerOptions options(ServerConfig config) {
    return new HttpServerOptions()
        .setHost(config.host())
        .setPort(config.port())
        .setCompressionSupported(true);
  }

  private static <T> T await(Future<T> future) {
    try {
      return future.toCompletionStage().toCompletableFuture().join();
    } catch (CompletionException e) {
      throw switch (e.getCause()) {
        case RuntimeException cause -> cause;
        case IOException cause ->
            new UncheckedIOException(
                "Cannot listen there: %s. Choose another port or host."
                    .formatted(cause.getMessage()),
                cause);
        case null, default -> e;
      };
    }
  }
}
