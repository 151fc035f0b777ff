package dev.banyan.server.wiring;

import dev.banyan.server.api.InFlight;
import dev.banyan.server.batch.RequestQueue;
import dev.banyan.server.inference.TextModel;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A server that answers; {@link #close} drains it: new requests get 503, requests in flight finish,
 * then everything is freed.
 */
public final class RunningServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RunningServer.class);

  /**
   * What has to end, in the order in which it ends.
   *
   * @param inFlight calls that are being answered
   * @param vertx HTTP
   * @param workers threads of the calls
   * @param queue rows that wait
   * @param model the model
   */
  record Parts(
      InFlight inFlight,
      Vertx vertx,
      ExecutorService workers,
      RequestQueue<?, ?> queue,
      TextModel model) {}

  private final Parts parts;
  private final String host;
  private final int port;
  private final Duration drain;
  private final AtomicBoolean closed = new AtomicBoolean();

  RunningServer(Parts parts, String host, int port, Duration drain) {
    this.parts = parts;
    this.host = host;
    this.port = port;
    this.drain = drain;
  }

  /** The port it listens on. */
  public int port() {
    return port;
  }

  /** Its address, for instance {@code http://127.0.0.1:8080}. */
  public String url() {
    return "http://%s:%d".formatted(host.contains(":") ? "[" + host + "]" : host, port);
  }

  /** Drains and ends; a second call has no effect. */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    parts.inFlight().close();
    try {
      if (!parts.inFlight().awaitNone(drain)) {
        log.warn("Some requests did not finish within {} s", drain.toSeconds());
      }
      parts.vertx().close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      log.warn("HTTP did not end cleanly: {}", e.toString());
    }
    parts.queue().close();
    parts.workers().close();
    parts.model().close();
  }
}
