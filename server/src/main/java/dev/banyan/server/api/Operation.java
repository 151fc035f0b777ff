package dev.banyan.server.api;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** What an endpoint does; runs on a thread of its own and may wait. */
@FunctionalInterface
interface Operation {
  /** Answers a call, or throws why it cannot. */
  Reply answer(Call call);

  /**
   * A request that fits the contract.
   *
   * @param body its JSON body; empty if the operation has none
   * @param path path parameters by name
   * @param abandoned true once the client has gone
   */
  record Call(JsonObject body, Map<String, String> path, BooleanSupplier abandoned) {}

  /**
   * What is sent back.
   *
   * @param status HTTP status
   * @param headers HTTP headers
   * @param body body; may be empty
   */
  record Reply(int status, Map<String, String> headers, Buffer body) {
    static Reply json(JsonObject body) {
      return new Reply(200, Map.of("content-type", "application/json"), body.toBuffer());
    }

    static Reply text(String type, String body) {
      return new Reply(200, Map.of("content-type", type), Buffer.buffer(body));
    }

    static Reply noContent() {
      return new Reply(204, Map.of(), Buffer.buffer());
    }
  }
}
