package dev.banyan.server.api;

import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.HttpException;
import io.vertx.openapi.validation.ValidatorException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts into words what fails before an operation is reached, for which the router has only a status
 * and, maybe, an exception.
 */
final class Refusals {
  private static final Logger log = LoggerFactory.getLogger(Refusals.class);

  /** Most bytes of a body: 256 texts of 16 KiB. */
  static final long BODY_LIMIT = 4L << 20;

  /** Statuses that the router gives by itself. */
  static final int[] STATUSES = {400, 404, 405, 406, 413, 414, 415, 431, 500, 501};

  private Refusals() {}

  static Operation.Reply reply(RoutingContext ctx) {
    String request = ctx.request().method() + " " + ctx.request().path();
    Problem problem =
        switch (ctx.statusCode()) {
          case 404 ->
              new Problem(
                  404, "not-found", "There is nothing here", request + " is not in the API.");
          case 405 ->
              new Problem(
                  405, "no-such-method", "Not with this method", request + " is not in the API.");
          case 413 ->
              new Problem(
                  413,
                  "too-large",
                  "The request is too large",
                  "The body exceeds %d bytes; send fewer inputs at once.".formatted(BODY_LIMIT));
          case 500 -> failed(ctx.failure());
          default -> badRequest(ctx.failure());
        };
    return problem.reply();
  }

  private static Problem failed(@Nullable Throwable failure) {
    if (failure instanceof ValidatorException) {
      return badRequest(failure);
    }
    log.error("A request failed", failure);
    return Problem.internal();
  }

  private static Problem badRequest(@Nullable Throwable failure) {
    // The router's own exception says "Bad Request" only; what is wrong is in its cause.
    Throwable telling = failure instanceof HttpException ? failure.getCause() : failure;
    String reason = telling == null ? null : telling.getMessage();
    return Problem.badRequest(reason == null ? "The request cannot be read." : reason);
  }
}
