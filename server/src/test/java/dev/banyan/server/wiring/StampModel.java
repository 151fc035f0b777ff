package dev.banyan.server.wiring;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.server.adapter.AdapterVersion;
import dev.banyan.server.adapter.Mixture;
import dev.banyan.server.inference.ModelRow;
import dev.banyan.server.inference.RowAnswer;
import dev.banyan.server.inference.TextModel;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A model small enough to see through: an adapter is a number, its stamp, and an answer shows the
 * stamp of the slot and the length of the text. Runs can be held back to make requests wait.
 */
final class StampModel implements TextModel {
  static final String NAME = "stamps";

  private final Map<Integer, Float> slots = new ConcurrentHashMap<>(Map.of(0, 0f));
  private final AtomicInteger mixed = new AtomicInteger();

  // Guarded by this.
  private final List<List<ModelRow>> batches = new ArrayList<>();
  private boolean held;
  private boolean closed;

  /** Writes an adapter that this model can load. */
  static void write(Path directory, int stamp, String... labels) throws IOException {
    Files.createDirectories(directory);
    JsonObject config = new JsonObject().put("stamp", stamp).put("labels", List.of(labels));
    Files.writeString(directory.resolve("adapter_config.json"), config.encode());
  }

  /** Makes the next runs wait until {@link #release}. */
  synchronized void hold() {
    held = true;
  }

  synchronized void release() {
    held = false;
    notifyAll();
  }

  /** Waits until this many runs have begun since the start. */
  synchronized void awaitRuns(int count) throws InterruptedException {
    while (batches.size() < count) {
      wait();
    }
  }

  synchronized List<List<ModelRow>> batches() {
    return List.copyOf(batches);
  }

  synchronized boolean isClosed() {
    return closed;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Digest digest() {
    return Digest.of(new byte[] {1});
  }

  @Override
  public List<Encoding> encode(List<String> texts) {
    return texts.stream()
        .map(text -> new Encoding(new long[text.length()], new long[text.length()]))
        .toList();
  }

  @Override
  public Prepared prepare(Path directory) {
    JsonObject config = read(directory.resolve("adapter_config.json"));
    if (!config.containsKey("stamp")) {
      throw new IllegalArgumentException("the adapter has no stamp");
    }
    return prepared(config);
  }

  /** The stamps by weight, with the labels of the first. */
  @Override
  public Prepared mix(Mixture mixture, List<AdapterVersion> versions) {
    mixed.incrementAndGet();
    float stamp = 0;
    for (int i = 0; i < versions.size(); i++) {
      JsonObject part = read(versions.get(i).directory().resolve("adapter_config.json"));
      stamp += (float) (part.getFloat("stamp") * mixture.parts().get(i).weight());
    }
    if (stamp > 1000) {
      throw new IllegalArgumentException("the stamps are too heavy");
    }
    JsonObject first = read(versions.getFirst().directory().resolve("adapter_config.json"));
    return prepared(first.put("stamp", stamp));
  }

  /** How often a mixture was formed. */
  int mixed() {
    return mixed.get();
  }

  private Prepared prepared(JsonObject config) {
    float stamp = config.getFloat("stamp");
    List<String> labels = config.getJsonArray("labels").stream().map(String.class::cast).toList();
    return new Prepared() {
      @Override
      public Digest digest() {
        return Digest.builder().add(config.encode()).build();
      }

      @Override
      public Task task() {
        return Task.TEXT_CLASSIFICATION;
      }

      @Override
      public List<String> labels() {
        return labels;
      }

      @Override
      public void writeTo(int slot) {
        slots.put(slot, stamp);
      }
    };
  }

  private static JsonObject read(Path file) {
    try {
      return new JsonObject(Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public List<RowAnswer> run(List<ModelRow> rows) {
    begin(rows);
    return rows.stream().map(this::answer).toList();
  }

  private synchronized void begin(List<ModelRow> rows) {
    batches.add(List.copyOf(rows));
    notifyAll();
    while (held) {
      try {
        wait();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** The last label wins by the stamp's size: its logit is the stamp, the others' are 0. */
  private RowAnswer answer(ModelRow row) {
    float stamp = slots.getOrDefault(row.slot(), Float.NaN);
    float[] logits = new float[row.labels()];
    if (logits.length > 0) {
      logits[logits.length - 1] = stamp;
    }
    return new RowAnswer(new float[] {stamp, row.encoding().length()}, logits);
  }

  @Override
  public synchronized void close() {
    closed = true;
  }
}
