package dev.banyan.server.api;

import dev.banyan.server.adapter.AdapterName;
import dev.banyan.server.adapter.Mixture;
import dev.banyan.server.inference.Answer;
import dev.banyan.server.inference.Inference;
import dev.banyan.server.inference.Query;
import dev.banyan.server.inference.RowAnswer;
import dev.banyan.server.inference.Scores;
import dev.banyan.server.inference.Wanted;
import dev.banyan.server.problem.ServerProblem;
import dev.banyan.server.telemetry.ServerMetrics;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import java.util.stream.IntStream;

/** {@code POST /v1/classify} and {@code POST /v1/embeddings}. */
final class InferenceOperations {
  private final Inference inference;
  private final ServerMetrics metrics;

  InferenceOperations(Inference inference, ServerMetrics metrics) {
    this.inference = inference;
    this.metrics = metrics;
  }

  Operation.Reply classify(Operation.Call call) {
    Query query = query(call);
    Answer answer = measured("classify", query, inference::classify);
    JsonArray data = new JsonArray();
    for (RowAnswer row : answer.rows()) {
      data.add(labelled(data.size(), Scores.of(answer.task(), answer.labels(), row.logits())));
    }
    return list(query, answer, data);
  }

  Operation.Reply embed(Operation.Call call) {
    Query query = query(call);
    boolean base64 = call.body().getString("encoding_format", "float").equals("base64");
    Answer answer = measured("embeddings", query, inference::embed);
    JsonArray data = new JsonArray();
    for (RowAnswer row : answer.rows()) {
      Object embedding = base64 ? base64(row.embedding()) : numbers(row.embedding());
      data.add(
          new JsonObject()
              .put("object", "embedding")
              .put("index", data.size())
              .put("embedding", embedding));
    }
    return list(query, answer, data);
  }

  private static Operation.Reply list(Query query, Answer answer, JsonArray data) {
    JsonObject usage =
        new JsonObject().put("prompt_tokens", answer.tokens()).put("total_tokens", answer.tokens());
    return Operation.Reply.json(
        new JsonObject()
            .put("object", "list")
            .put("model", query.wanted().toString())
            .put("digest", answer.digest().toString())
            .put("data", data)
            .put("usage", usage));
  }

  private Answer measured(String operation, Query query, Function<Query, Answer> work) {
    long start = System.nanoTime();
    // What clients make up must not become series.
    String model =
        switch (query.wanted()) {
          case Wanted.Model(String name) -> name;
          case Wanted.Mixed _ -> "mixture";
        };
    String outcome = "failed";
    try {
      Answer answer = work.apply(query);
      outcome = "ok";
      return answer;
    } catch (ServerProblem e) {
      outcome = "refused";
      if (e instanceof ServerProblem.UnknownModel) {
        model = "unknown";
      }
      throw e;
    } catch (CancellationException e) {
      outcome = "abandoned";
      throw e;
    } finally {
      metrics.answered(operation, model, outcome, System.nanoTime() - start);
    }
  }

  private static Query query(Operation.Call call) {
    List<String> texts = new ArrayList<>();
    if (call.body().getValue("input") instanceof JsonArray inputs) {
      inputs.forEach(text -> texts.add((String) text));
    } else {
      texts.add(call.body().getString("input"));
    }
    return new Query(wanted(call.body()), texts, call.abandoned());
  }

  private static Wanted wanted(JsonObject body) {
    JsonArray adapters = body.getJsonArray("adapters");
    String model = body.getString("model");
    if ((model == null) == (adapters == null)) {
      throw new ServerProblem.BadRequest(
          "Expected either 'model', or 'adapters' with weights, and one of them.");
    }
    if (adapters == null) {
      if (body.containsKey("head")) {
        throw new ServerProblem.BadRequest(
            "'head' is for 'adapters'; '%s' has its own.".formatted(model));
      }
      return new Wanted.Model(model);
    }
    List<Mixture.Part> parts =
        IntStream.range(0, adapters.size())
            .mapToObj(adapters::getJsonObject)
            .map(
                part ->
                    new Mixture.Part(
                        AdapterName.parse(part.getString("id")), part.getDouble("weight")))
            .toList();
    return new Wanted.Mixed(Mixture.of(parts, body.getString("head", "")));
  }

  private static JsonObject labelled(int index, Scores scores) {
    JsonArray all = new JsonArray();
    scores.ranked().forEach(score -> all.add(scored(score)));
    return scored(scores.top()).put("index", index).put("scores", all);
  }

  private static JsonObject scored(Scores.Score score) {
    return new JsonObject().put("label", score.label()).put("score", score.score());
  }

  private static JsonArray numbers(float[] values) {
    JsonArray numbers = new JsonArray();
    for (float value : values) {
      numbers.add(value);
    }
    return numbers;
  }

  private static String base64(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES);
    bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values);
    return Base64.getEncoder().encodeToString(bytes.array());
  }
}
