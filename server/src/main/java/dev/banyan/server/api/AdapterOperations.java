package dev.banyan.server.api;

import dev.banyan.server.adapter.AdapterFolder;
import dev.banyan.server.adapter.AdapterName;
import dev.banyan.server.adapter.AdapterRegistry;
import dev.banyan.server.adapter.AdapterState;
import dev.banyan.server.adapter.Resident;
import dev.banyan.server.inference.TextModel;
import dev.banyan.server.telemetry.ServerMetrics;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Instant;

/** {@code GET /v1/models}, {@code POST /v1/adapters}, {@code DELETE /v1/adapters/...}. */
final class AdapterOperations {
  private final TextModel base;
  private final AdapterRegistry registry;
  private final AdapterFolder folder;
  private final ServerMetrics metrics;
  private final long started = Instant.now().getEpochSecond();

  AdapterOperations(
      TextModel base, AdapterRegistry registry, AdapterFolder folder, ServerMetrics metrics) {
    this.base = base;
    this.registry = registry;
    this.folder = folder;
    this.metrics = metrics;
  }

  Operation.Reply list() {
    JsonArray data = new JsonArray();
    data.add(
        model(base.name(), "banyan").put("state", "ready").put("digest", base.digest().toString()));
    registry.list().forEach(listed -> data.add(adapter(listed)));
    return Operation.Reply.json(new JsonObject().put("object", "list").put("data", data));
  }

  Operation.Reply load(Operation.Call call) {
    AdapterName name = AdapterName.parse(call.body().getString("model"));
    Path directory = folder.find(call.body().getString("path", name.toString()));
    AdapterRegistry.LoadResult result = registry.load(name, directory);
    return Operation.Reply.json(
        new JsonObject()
            .put("model", name.toString())
            .put("digest", result.digest().toString())
            .put("labels", new JsonArray(result.labels()))
            .put("changed", result.changed()));
  }

  Operation.Reply delete(Operation.Call call) {
    AdapterName name = AdapterName.parse(call.path().get("tenant") + "/" + call.path().get("name"));
    registry.remove(name);
    metrics.forget(name.toString());
    return Operation.Reply.noContent();
  }

  private JsonObject adapter(AdapterRegistry.Listed listed) {
    JsonObject json =
        model(listed.name().toString(), listed.name().tenant()).put("parent", base.name());
    return switch (listed.state()) {
      case AdapterState.OnDisk() -> json.put("state", "on_disk");
      case AdapterState.Loading() -> json.put("state", "loading");
      case AdapterState.Ready(Resident current) -> version(json.put("state", "ready"), current);
      case AdapterState.Replacing(Resident current) ->
          version(json.put("state", "replacing"), current);
      case AdapterState.Failed(String reason) -> json.put("state", "failed").put("reason", reason);
    };
  }

  private JsonObject model(String id, String owner) {
    return new JsonObject()
        .put("id", id)
        .put("object", "model")
        .put("created", started)
        .put("owned_by", owner);
  }

  private static JsonObject version(JsonObject json, Resident current) {
    return json.put("digest", current.digest().toString())
        .put("task", current.task().text())
        .put("labels", new JsonArray(current.labels()));
  }
}
