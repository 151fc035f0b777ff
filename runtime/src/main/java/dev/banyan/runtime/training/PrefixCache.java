package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.runtime.data.Batch;
import dev.banyan.runtime.data.Batch.Padding;
import dev.banyan.runtime.data.BatchSize;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What comes out of the part of the model below the lowest adapter, for each text of a run. It is
 * the same in every epoch, so it is computed once and kept in a mapped file, outside the heap, that
 * the operating system may write out when memory is short.
 *
 * <p>A text's activations are computed in one fixed group of texts of like length, whatever batch
 * asks for them first: so they do not depend on the order of the run, and a run that goes on after
 * an interruption sees the very same bits. Texts beyond the limit are computed each time.
 */
final class PrefixCache implements AutoCloseable {
  /** Input of the graphs above, output of the graph below. */
  static final String PREFIX = "frozen_prefix";

  private final InferenceSession session;
  private final List<String> inputs;
  private final long padId;
  private final boolean byToken;
  private final long width;
  private final Arena arena;
  private final MemorySegment kept;
  private final IdentityHashMap<Encoding, Place> places = new IdentityHashMap<>();

  /**
   * Where a text's activations are.
   *
   * @param group the texts that are computed together
   * @param offset in bytes
   */
  private record Place(Group group, long offset) {}

  /** Texts of like length, and whether they have been computed. */
  private static final class Group {
    private final List<Encoding> texts;
    private boolean filled;

    Group(List<Encoding> texts) {
      this.texts = texts;
    }
  }

  /**
   * Where and how much to keep.
   *
   * @param file is made, and is of no use after the run
   * @param limit most bytes
   * @param group how many texts are computed together
   */
  record Room(Path file, long limit, BatchSize group) {}

  @SuppressWarnings("MustBeClosedChecker") // close() closes the arena.
  private PrefixCache(InferenceSession session, long padId, List<Encoding> texts, Room room) {
    this.session = session;
    this.inputs = session.inputs().stream().map(TensorPort::name).toList();
    this.padId = padId;
    TensorPort output = session.outputs().getFirst();
    this.byToken = output.dims().size() == 3;
    this.width = output.dims().getLast();
    long bytes = place(texts, room);
    this.arena = Arena.ofShared();
    this.kept = map(room.file(), bytes, arena);
  }

  /**
   * Opens the graph and plans what to keep.
   *
   * @param texts all texts of the run, each an object of its own
   */
  static PrefixCache open(
      Bundle bundle, List<Encoding> texts, long padId, Room room, SessionSettings settings) {
    InferenceSession session = InferenceSession.open(bundle.file(Bundle.PREFIX_MODEL), settings);
    boolean done = false;
    try {
      PrefixCache cache = new PrefixCache(session, padId, texts, room);
      done = true;
      return cache;
    } finally {
      if (!done) {
        session.close();
      }
    }
  }

  private long place(List<Encoding> texts, Room room) {
    int[] lengths = texts.stream().mapToInt(Encoding::length).toArray();
    List<Integer> order =
        IntStream.range(0, lengths.length)
            .boxed()
            .sorted((a, b) -> Integer.compare(lengths[b], lengths[a]))
            .toList();
    long end = 0;
    for (List<Integer> picked : room.group().cut(order, lengths)) {
      Group group = new Group(picked.stream().map(texts::get).toList());
      long bytes = group.texts.stream().mapToLong(this::bytes).sum();
      if (end + bytes > room.limit()) {
        break;
      }
      for (Encoding text : group.texts) {
        places.put(text, new Place(group, end));
        end += bytes(text);
      }
    }
    return end;
  }

  private long bytes(Encoding text) {
    return (byToken ? text.length() : 1) * width * Float.BYTES;
  }

  private static MemorySegment map(Path file, long bytes, Arena arena) {
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot keep activations in " + file, e);
    }
  }

  /** Bytes that are kept when every text has been computed. */
  long bytes() {
    return kept.byteSize();
  }

  /** How many of the texts are kept. */
  int texts() {
    return places.size();
  }

  /**
   * The activations of a batch, zero behind the end of each text.
   *
   * @param scope owns the tensor
   * @param rows the batch's texts
   * @param length tokens a row
   * @return {@code [rows, length, n]} or {@code [rows, n]}
   */
  NativeTensor tensor(TensorScope scope, List<Encoding> rows, int length) {
    MemorySegment data = scope.memory(shape(rows.size(), length).elements() * Float.BYTES);
    List<Encoding> others = new ArrayList<>();
    for (Encoding row : rows) {
      Place place = places.get(row);
      if (place == null) {
        others.add(row);
      } else if (!place.group().filled) {
        fill(place.group());
      }
    }
    copyKept(rows, length, data);
    if (!others.isEmpty()) {
      copyComputed(rows, others, length, data);
    }
    return scope.view(data, DType.FLOAT, shape(rows.size(), length));
  }

  private void copyKept(List<Encoding> rows, int length, MemorySegment data) {
    for (int row = 0; row < rows.size(); row++) {
      Place place = places.get(rows.get(row));
      if (place != null) {
        long bytes = bytes(rows.get(row));
        MemorySegment.copy(kept, place.offset(), data, row * stride(length), bytes);
      }
    }
  }

  private void copyComputed(
      List<Encoding> rows, List<Encoding> others, int length, MemorySegment data) {
    try (Arena temporary = Arena.ofConfined()) {
      MemorySegment computed = run(others, temporary);
      long from = stride(longest(others));
      int next = 0;
      for (int row = 0; row < rows.size(); row++) {
        if (!places.containsKey(rows.get(row))) {
          long bytes = bytes(rows.get(row));
          MemorySegment.copy(computed, next * from, data, row * stride(length), bytes);
          next++;
        }
      }
    }
  }

  private void fill(Group group) {
    try (Arena temporary = Arena.ofConfined()) {
      MemorySegment computed = run(group.texts, temporary);
      long stride = stride(longest(group.texts));
      for (int row = 0; row < group.texts.size(); row++) {
        Encoding text = group.texts.get(row);
        Place place = places.get(text);
        if (place != null) {
          MemorySegment.copy(computed, row * stride, kept, place.offset(), bytes(text));
        }
      }
    }
    group.filled = true;
  }

  private MemorySegment run(List<Encoding> texts, Arena memory) {
    Batch batch = Batch.of(texts, new Padding(padId, 0));
    Shape shape = shape(batch.rows(), batch.length());
    MemorySegment output = memory.allocate(ValueLayout.JAVA_FLOAT, shape.elements());
    try (TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = batch.feeds(scope, inputs);
      NativeTensor pinned = scope.view(output, DType.FLOAT, shape);
      session.run(feeds, List.of(), Map.of(PREFIX, pinned)).close();
    }
    return output;
  }

  private Shape shape(int rows, int length) {
    return byToken ? Shape.of(rows, length, width) : Shape.of(rows, width);
  }

  private long stride(int length) {
    return (byToken ? length : 1) * width * Float.BYTES;
  }

  private static int longest(List<Encoding> texts) {
    return texts.stream().mapToInt(Encoding::length).max().orElseThrow();
  }

  @Override
  public void close() {
    session.close();
    arena.close();
  }
}
