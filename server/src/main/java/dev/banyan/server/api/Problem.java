package dev.banyan.server.api;

import dev.banyan.server.problem.ServerProblem;
import io.vertx.core.json.JsonObject;
import java.util.HashMap;
import java.util.Map;

/**
 * A refusal as RFC 9457 has it.
 *
 * @param status HTTP status
 * @param kind short name, the end of the problem's type URN
 * @param title what kind of problem it is
 * @param detail what was wrong with this request and who can mend it
 * @param headers HTTP headers beside the content type
 */
record Problem(int status, String kind, String title, String detail, Map<String, String> headers) {
  Problem(int status, String kind, String title, String detail) {
    this(status, kind, title, detail, Map.of());
  }

  /** The status and words for each way to refuse a request. */
  static Problem of(ServerProblem problem) {
    String detail = problem.detail();
    return switch (problem) {
      case ServerProblem.BadRequest _ -> badRequest(detail);
      case ServerProblem.UnknownModel _ ->
          new Problem(404, "unknown-model", "There is no such model", detail);
      case ServerProblem.BrokenAdapter _ ->
          new Problem(409, "broken-adapter", "The adapter could not be loaded", detail);
      case ServerProblem.RejectedAdapter _ ->
          new Problem(422, "rejected-adapter", "The adapter does not fit", detail);
      case ServerProblem.Overloaded overloaded ->
          new Problem(429, "overloaded", "Too many requests wait", detail)
              .retryAfter(overloaded.retryAfterSeconds());
      case ServerProblem.ShuttingDown _ ->
          new Problem(503, "shutting-down", "The server is shutting down", detail).retryAfter(1);
      case ServerProblem.NoFreeSlot _ ->
          new Problem(507, "no-free-slot", "There is no room for the adapter now", detail)
              .retryAfter(1);
    };
  }

  static Problem badRequest(String detail) {
    return new Problem(400, "bad-request", "The request does not fit the contract", detail);
  }

  /** The log of the server says more; clients are not shown its insides. */
  static Problem internal() {
    return new Problem(
        500,
        "internal",
        "The server failed",
        "The server failed on this request; its log says why.");
  }

  private Problem retryAfter(long seconds) {
    return new Problem(status, kind, title, detail, Map.of("retry-after", Long.toString(seconds)));
  }

  Operation.Reply reply() {
    JsonObject body =
        new JsonObject()
            .put("type", "urn:banyan:problem:" + kind)
            .put("title", title)
            .put("status", status)
            .put("detail", detail);
    Map<String, String> all = new HashMap<>(headers);
    all.put("content-type", "application/problem+json");
    return new Operation.Reply(status, all, body.toBuffer());
  }
}
