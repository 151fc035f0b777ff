package dev.banyan.server.api;

import dev.banyan.server.adapter.AdapterFolder;
import dev.banyan.server.adapter.AdapterRegistry;
import dev.banyan.server.inference.Inference;
import dev.banyan.server.inference.TextModel;
import dev.banyan.server.problem.ServerProblem;
import dev.banyan.server.telemetry.ServerMetrics;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import io.vertx.ext.web.openapi.router.OpenAPIRoute;
import io.vertx.ext.web.openapi.router.RequestExtractor;
import io.vertx.ext.web.openapi.router.RouterBuilder;
import io.vertx.openapi.contract.OpenAPIContract;
import io.vertx.openapi.validation.RequestParameter;
import io.vertx.openapi.validation.ValidatedRequest;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The endpoints. A request passes, in this order:
 *
 * <ol>
 *   <li>the size limit of bodies (413)
 *   <li>the contract: path, method, body (404, 405, 400)
 *   <li>the gate that closes when the server shuts down (503)
 *   <li>its {@link Operation}, on a virtual thread; the event loop never waits
 * </ol>
 */
public final class HttpApi {
  private static final Logger log = LoggerFactory.getLogger(HttpApi.class);

  /**
   * What the operations work on.
   *
   * @param model the base
   * @param inference answers queries
   * @param registry the adapters
   * @param folder where adapters may be loaded from
   * @param metrics what {@code /metrics} shows
   * @param inFlight the gate that closes at shutdown
   * @param ready whether {@code /readyz} says so
   * @param workers a thread a call
   */
  public record Parts(
      TextModel model,
      Inference inference,
      AdapterRegistry registry,
      AdapterFolder folder,
      ServerMetrics metrics,
      InFlight inFlight,
      BooleanSupplier ready,
      ExecutorService workers) {}

  private final Parts parts;

  /** An API over these parts. */
  public HttpApi(Parts parts) {
    this.parts = parts;
  }

  /** Routes for every operation of the contract. */
  public Router router(Vertx vertx, OpenAPIContract contract) {
    InferenceOperations inference = new InferenceOperations(parts.inference(), parts.metrics());
    AdapterOperations adapters =
        new AdapterOperations(parts.model(), parts.registry(), parts.folder(), parts.metrics());
    Map<String, Operation> operations =
        Map.of(
            "classify", inference::classify,
            "embed", inference::embed,
            "listModels", call -> adapters.list(),
            "loadAdapter", adapters::load,
            "deleteAdapter", adapters::delete);

    RouterBuilder builder =
        RouterBuilder.create(vertx, contract, RequestExtractor.withBodyHandler());
    builder.rootHandler(BodyHandler.create(false).setBodyLimit(Refusals.BODY_LIMIT));
    operations.forEach(
        (id, operation) -> route(builder, id).addHandler(ctx -> throughTheGate(ctx, operation)));
    // These answer during a shutdown too.
    route(builder, "health").addHandler(ctx -> send(ctx, ok()));
    route(builder, "ready").addHandler(ctx -> send(ctx, readiness()));
    route(builder, "metrics").addHandler(ctx -> perform(ctx, call -> metrics()));
    Router router = builder.createRouter();
    for (int status : Refusals.STATUSES) {
      router.errorHandler(status, ctx -> send(ctx, Refusals.reply(ctx)));
    }
    return router;
  }

  private static OpenAPIRoute route(RouterBuilder builder, String operation) {
    return Objects.requireNonNull(
        builder.getRoute(operation), () -> "openapi.yaml has no operation " + operation);
  }

  private Operation.Reply readiness() {
    if (!parts.inFlight().isOpen()) {
      return Problem.of(new ServerProblem.ShuttingDown()).reply();
    }
    if (!parts.ready().getAsBoolean()) {
      return new Problem(503, "starting", "The server is starting", "Adapters are being loaded.")
          .reply();
    }
    return ok();
  }

  private static Operation.Reply ok() {
    return Operation.Reply.json(new JsonObject().put("status", "ok"));
  }

  private Operation.Reply metrics() {
    return Operation.Reply.text(
        "text/plain; version=0.0.4; charset=utf-8", parts.metrics().scrape());
  }

  private void throughTheGate(RoutingContext ctx, Operation operation) {
    if (!parts.inFlight().enter()) {
      send(ctx, Problem.of(new ServerProblem.ShuttingDown()).reply());
      return;
    }
    ctx.addEndHandler(end -> parts.inFlight().leave());
    perform(ctx, operation);
  }

  private void perform(RoutingContext ctx, Operation operation) {
    AtomicBoolean gone = new AtomicBoolean();
    ctx.addEndHandler(end -> gone.set(true));
    Operation.Call call = call(ctx, gone::get);
    Context context = ctx.vertx().getOrCreateContext();
    parts
        .workers()
        .execute(
            () -> {
              Operation.Reply reply = attempt(operation, call);
              context.runOnContext(ignored -> send(ctx, reply));
            });
  }

  private static Operation.Call call(RoutingContext ctx, BooleanSupplier abandoned) {
    ValidatedRequest request =
        Objects.requireNonNull(ctx.get(RouterBuilder.KEY_META_DATA_VALIDATED_REQUEST));
    Map<String, String> path = new HashMap<>();
    request.getPathParameters().forEach((name, value) -> path.put(name, value.getString()));
    RequestParameter body = request.getBody();
    JsonObject json = body == null ? null : body.getJsonObject();
    return new Operation.Call(json == null ? new JsonObject() : json, path, abandoned);
  }

  private static Operation.Reply attempt(Operation operation, Operation.Call call) {
    try {
      return operation.answer(call);
    } catch (ServerProblem problem) {
      return Problem.of(problem).reply();
    } catch (CancellationException e) {
      log.debug("A client left before its answer");
      return Problem.internal().reply();
    } catch (RuntimeException | Error e) {
      log.error("A request failed", e);
      return Problem.internal().reply();
    }
  }

  private static void send(RoutingContext ctx, Operation.Reply reply) {
    HttpServerResponse response = ctx.response();
    if (response.closed() || response.ended()) {
      return;
    }
    response.setStatusCode(reply.status());
    reply.headers().forEach(response::putHeader);
    response.end(reply.body());
  }
}
