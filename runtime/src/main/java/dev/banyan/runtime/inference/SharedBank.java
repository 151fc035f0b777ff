package dev.banyan.runtime.inference;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What belongs to all layers of an adapter's method at once, such as VeRA's projections: large, and
 * alike in most adapters. There is room for a few sets of such values, and for each slot the number
 * of its set. Set 0 is zeros; a set that no slot has is free.
 */
final class SharedBank {
  private final List<ParameterSpec> specs;
  private final Sizes room;
  private final int slots;
  private final List<MemorySegment> values;
  private final MemorySegment sets;

  /** What each set holds; nothing of a set that was never filled. */
  private final @Nullable Digest[] digests;

  /**
   * Allocates room, all zero.
   *
   * @param specs of all layers of one method
   * @param arena owns the memory
   */
  SharedBank(List<ParameterSpec> specs, ServingPlan plan, Arena arena) {
    this.specs = List.copyOf(specs);
    this.room = plan.room();
    this.slots = plan.slots() + 1;
    this.digests = new Digest[plan.projections() + 1];
    this.values =
        specs.stream()
            .map(spec -> arena.allocate(Math.multiplyExact(bytes(spec), digests.length), 64))
            .toList();
    this.sets = arena.allocate((long) Long.BYTES * slots, 64);
  }

  private long bytes(ParameterSpec spec) {
    return spec.shape(room).elements() * DType.FLOAT.bytes();
  }

  /** The inputs of the serving graph. */
  Map<String, NativeTensor> feeds(TensorScope scope) {
    Map<String, NativeTensor> feeds = new LinkedHashMap<>();
    for (int i = 0; i < specs.size(); i++) {
      ParameterSpec spec = specs.get(i);
      Shape one = spec.shape(room);
      Shape all = Shape.of(digests.length, one.dim(0), one.dim(1));
      feeds.put(spec.bankName(), scope.view(values.get(i), DType.FLOAT, all));
      feeds.put(spec.setName(), scope.view(sets, DType.INT64, Shape.of((long) slots)));
    }
    return feeds;
  }

  /** Bytes of all sets. */
  long bytes() {
    return values.stream().mapToLong(MemorySegment::byteSize).sum();
  }

  /**
   * Gives a slot the set of its adapter.
   *
   * @throws InferenceFailure.NoFreeSet if all sets are others and in use; the slot is as it was
   */
  synchronized void write(int slot, AdapterWeights weights) {
    if (!weights.tensors().containsKey(specs.getFirst().name())) {
      clear(slot);
      return;
    }
    List<Tensor> tensors =
        specs.stream()
            .map(spec -> Objects.requireNonNull(weights.tensors().get(spec.name())))
            .toList();
    Digest.Builder builder = Digest.builder();
    tensors.forEach(tensor -> builder.add(tensor.data()));
    Digest digest = builder.build();
    int set = Arrays.asList(digests).indexOf(digest);
    set(slot, set > 0 ? set : fill(free(slot), digest, tensors));
  }

  private int fill(int set, Digest digest, List<Tensor> tensors) {
    // What is half-written is nobody's.
    digests[set] = null;
    for (int i = 0; i < specs.size(); i++) {
      long bytes = bytes(specs.get(i));
      MemorySegment target = values.get(i).asSlice(set * bytes, bytes);
      target.fill((byte) 0);
      tensors.get(i).copyInto(target, specs.get(i).shape(room));
    }
    digests[set] = digest;
    return set;
  }

  /** A set that no other slot has; rather one that was never filled. */
  private int free(int slot) {
    BitSet taken = new BitSet(digests.length);
    taken.set(0);
    for (int other = 0; other < slots; other++) {
      if (other != slot) {
        taken.set(Math.toIntExact(sets.getAtIndex(ValueLayout.JAVA_LONG, other)));
      }
    }
    int set = taken.nextClearBit(0);
    if (set >= digests.length) {
      throw new InferenceFailure.NoFreeSet(
          String.join(" and ", specs.stream().map(ParameterSpec::name).toList()),
          digests.length - 1);
    }
    return IntStream.range(set, digests.length)
        .filter(other -> !taken.get(other) && digests[other] == null)
        .findFirst()
        .orElse(set);
  }

  /** Whether a slot has a set other than zeros. */
  synchronized boolean isTaken(int slot) {
    return sets.getAtIndex(ValueLayout.JAVA_LONG, slot) != 0;
  }

  /** Takes a slot its set. */
  synchronized void clear(int slot) {
    set(slot, 0);
  }

  private void set(int slot, long set) {
    sets.setAtIndex(ValueLayout.JAVA_LONG, slot, set);
  }
}
