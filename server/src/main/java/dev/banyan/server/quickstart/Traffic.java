package dev.banyan.server.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.IntStream;

/**
 * Clients of the server: several callers send the requests of all tenants in turn and wait for each
 * answer, as many applications do.
 */
final class Traffic implements AutoCloseable {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final HttpClient client = HttpClient.newHttpClient();
  private final String url;

  Traffic(String url) {
    this.url = url;
  }

  /** One text for one adapter, with the label that people gave it. */
  record Request(String model, String text, String label) {}

  /** What came back. */
  record Reply(Request request, int status, String label, double score, double millis) {
    boolean failed() {
      return status != 200;
    }

    boolean right() {
      return label.equals(request.label());
    }
  }

  /** Something to do once so many replies have come, while the others keep coming. */
  record Interruption(int afterReplies, Runnable action) {}

  /**
   * Sends all requests through so many callers at once; replies come in the order of the requests.
   */
  List<Reply> send(List<Request> requests, int callers, List<Interruption> interruptions) {
    AtomicInteger next = new AtomicInteger();
    AtomicReferenceArray<Reply> replies = new AtomicReferenceArray<>(requests.size());
    List<CountDownLatch> gates =
        interruptions.stream().map(each -> new CountDownLatch(each.afterReplies())).toList();
    Callable<Void> caller =
        () -> {
          for (int i = next.getAndIncrement(); i < requests.size(); i = next.getAndIncrement()) {
            replies.set(i, classify(requests.get(i)));
            gates.forEach(CountDownLatch::countDown);
          }
          return null;
        };
    List<Callable<Void>> tasks = new ArrayList<>(Collections.nCopies(callers, caller));
    for (int i = 0; i < interruptions.size(); i++) {
      tasks.add(waiting(gates.get(i), interruptions.get(i).action()));
    }
    runAll(tasks);
    return IntStream.range(0, requests.size()).mapToObj(replies::get).toList();
  }

  private static Callable<Void> waiting(CountDownLatch gate, Runnable action) {
    return () -> {
      gate.await();
      action.run();
      return null;
    };
  }

  private static void runAll(List<Callable<Void>> tasks) {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Void> task : threads.invokeAll(tasks)) {
        task.get();
      }
    } catch (ExecutionException e) {
      throw new QuickstartFailure("A client failed: " + e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new QuickstartFailure("Interrupted while requests were running");
    }
  }

  /** One request. */
  Reply classify(Request request) {
    ObjectNode body =
        MAPPER.createObjectNode().put("model", request.model()).put("input", request.text());
    long begin = System.nanoTime();
    HttpResponse<String> response = post("/v1/classify", body);
    double millis = (System.nanoTime() - begin) / 1e6;
    if (response.statusCode() != 200) {
      return new Reply(request, response.statusCode(), "", 0, millis);
    }
    JsonNode top = json(response.body()).at("/data/0");
    return new Reply(
        request, 200, top.path("label").asText(), top.path("score").asDouble(), millis);
  }

  /** Loads an adapter, or replaces one, from a folder under the server's adapters. */
  void load(String model, String path) {
    HttpResponse<String> response =
        post("/v1/adapters", MAPPER.createObjectNode().put("model", model).put("path", path));
    if (response.statusCode() != 200) {
      throw new QuickstartFailure("Loading %s failed: %s".formatted(model, response.body()));
    }
  }

  /** The value of a metric without labels. */
  double metric(String name) {
    String text =
        exchange(HttpRequest.newBuilder(URI.create(url + "/metrics")).GET().build()).body();
    return text.lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
        .findFirst()
        .orElseThrow(() -> new QuickstartFailure("The server has no metric " + name));
  }

  private HttpResponse<String> post(String path, ObjectNode body) {
    return exchange(
        HttpRequest.newBuilder(URI.create(url + path))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body.toString()))
            .build());
  }

  private HttpResponse<String> exchange(HttpRequest request) {
    try {
      return client.send(request, BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException("No answer from " + request.uri(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new QuickstartFailure("Interrupted while waiting for " + request.uri());
    }
  }

  private static JsonNode json(String text) {
    try {
      return MAPPER.readTree(text);
    } catch (IOException e) {
      throw new UncheckedIOException("The server's answer is not JSON: " + text, e);
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
