package dev.banyan.runtime.inference;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import dev.banyan.runtime.report.ProcessStats;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The adapters that are loaded: for each parameter one tensor with a leading slot axis, which the
 * serving graph reads in place. Writing a slot copies a few hundred kilobytes and re-creates
 * nothing.
 *
 * <p>Parameters of a lower rank or fewer labels are filled up so that no answer changes; of virtual
 * tokens the bank has the numbers. A weight of the base is kept as its distance from the base's.
 * What belongs to all layers of an adapter is kept once for all adapters that have the same. Slot 0
 * stays zero. A slot may be written by any thread while runs go on, as long as no row of a run is
 * in that slot.
 */
public final class SlotBank implements AutoCloseable {
  /** One parameter over all slots. */
  private record Bank(ParameterSpec spec, Shape slotShape, MemorySegment data) {
    /** Copies an adapter's own into a slot of zeros. */
    void put(Tensor tensor, MemorySegment slot, Sizes room) {
      if (spec.repeats()) {
        slot.copyFrom(spec.grown(tensor, room).data());
      } else {
        tensor.copyInto(slot, slotShape);
      }
    }

    MemorySegment slot(int slot) {
      long bytes = slotShape.elements() * DType.FLOAT.bytes();
      return data.asSlice(slot * bytes, bytes);
    }
  }

  /** How many of a parameter's rows each slot has, int64. */
  private record Counts(ParameterSpec spec, MemorySegment data) {
    void set(int slot, long count) {
      data.setAtIndex(ValueLayout.JAVA_LONG, slot, count);
    }

    long of(int slot) {
      return data.getAtIndex(ValueLayout.JAVA_LONG, slot);
    }
  }

  private final Arena arena = Arena.ofShared();
  private final TensorScope scope = new TensorScope();
  private final BaseValues base;
  private final int slots;
  private final Sizes room;
  private final List<Bank> banks;
  private final List<Counts> counts;
  private final List<SharedBank> shared;
  private final Map<String, NativeTensor> feeds;
  private boolean closed;

  /**
   * Allocates room, all zero.
   *
   * @throws InferenceFailure.BankTooLarge if a bank has 2 GiB or more
   * @throws InferenceFailure.BanksTooLarge if all together are larger than the machine's memory
   */
  SlotBank(List<ParameterSpec> specs, BaseValues base, ServingPlan plan) {
    this.base = base;
    this.slots = plan.slots() + 1;
    this.room = plan.room();
    specs.stream().filter(ParameterSpec::isBanked).forEach(spec -> requireFits(spec, plan));
    requireFits(specs, plan);
    List<ParameterSpec> own =
        specs.stream().filter(spec -> spec.isBanked() && !spec.isShared()).toList();
    this.banks = own.stream().map(spec -> allocate(spec, plan)).toList();
    List<ParameterSpec> common = specs.stream().filter(ParameterSpec::isShared).toList();
    this.shared = common.isEmpty() ? List.of() : List.of(new SharedBank(common, plan, arena));
    this.counts =
        banks.stream()
            .map(Bank::spec)
            .filter(ParameterSpec::isCounted)
            .map(spec -> new Counts(spec, arena.allocate((long) Long.BYTES * slots, 64)))
            .toList();
    this.feeds = LinkedHashMap.newLinkedHashMap(banks.size() + counts.size());
    for (Counts each : counts) {
      feeds.put(
          each.spec().countName(), scope.view(each.data(), DType.INT64, Shape.of((long) slots)));
    }
    for (Bank bank : banks) {
      Shape shape = withSlots(bank.slotShape());
      feeds.put(bank.spec().bankName(), scope.view(bank.data(), DType.FLOAT, shape));
    }
    shared.forEach(each -> feeds.putAll(each.feeds(scope)));
  }

  private static void requireFits(ParameterSpec spec, ServingPlan plan) {
    long bytes = Math.multiplyExact(slotBytes(spec, plan), copies(spec, plan));
    if (bytes > Integer.MAX_VALUE) {
      throw new InferenceFailure.BankTooLarge(spec, bytes, plan);
    }
  }

  /** Memory that is not there would be taken from the process when it is first written to. */
  private static void requireFits(List<ParameterSpec> specs, ServingPlan plan) {
    List<ParameterSpec> banked = specs.stream().filter(ParameterSpec::isBanked).toList();
    long all = banked.stream().mapToLong(spec -> slotBytes(spec, plan) * copies(spec, plan)).sum();
    long machine = ProcessStats.memoryBytes();
    if (all > machine) {
      long slot =
          banked.stream()
              .filter(spec -> !spec.isShared())
              .mapToLong(spec -> slotBytes(spec, plan))
              .sum();
      throw new InferenceFailure.BanksTooLarge(slot, machine, plan);
    }
  }

  private static long slotBytes(ParameterSpec spec, ServingPlan plan) {
    return spec.shape(plan.room()).elements() * DType.FLOAT.bytes();
  }

  /** How often a bank has a parameter, zeros for the bare base among them. */
  private static long copies(ParameterSpec spec, ServingPlan plan) {
    return 1L + (spec.isShared() ? plan.projections() : plan.slots());
  }

  private Bank allocate(ParameterSpec spec, ServingPlan plan) {
    Shape shape = spec.shape(plan.room());
    long bytes = slotBytes(spec, plan) * slots;
    // 64 bytes: what ORT's vector kernels like to read from.
    return new Bank(spec, shape, arena.allocate(bytes, 64));
  }

  private Shape withSlots(Shape slotShape) {
    long[] dims = new long[slotShape.rank() + 1];
    dims[0] = slots;
    System.arraycopy(slotShape.toArray(), 0, dims, 1, slotShape.rank());
    return Shape.of(dims);
  }

  /** The banks as inputs of the serving graph. */
  Map<String, NativeTensor> feeds() {
    return feeds;
  }

  /** Bytes of all banks. */
  public long bytes() {
    return banks.stream().mapToLong(bank -> bank.data().byteSize()).sum()
        + shared.stream().mapToLong(SharedBank::bytes).sum();
  }

  /**
   * Puts an adapter into a slot.
   *
   * @param slot from 1
   * @throws IllegalArgumentException if there is no such slot, or it is 0
   * @throws InferenceFailure.NoFreeSet if it shares between its layers what no adapter in memory
   *     has, and there is no room for more such until others leave
   */
  public void write(int slot, AdapterWeights weights) {
    requireSlot(slot);
    // First, as nothing else can be refused.
    shared.forEach(each -> each.write(slot, weights));
    for (Bank bank : banks) {
      MemorySegment target = bank.slot(slot);
      target.fill((byte) 0);
      weights.banked(bank.spec(), base).ifPresent(tensor -> bank.put(tensor, target, room));
    }
    for (Counts each : counts) {
      Tensor tensor = weights.tensors().get(each.spec().name());
      each.set(slot, tensor == null ? 0 : tensor.shape().dim(0));
    }
  }

  /**
   * Makes a slot the bare base again.
   *
   * @throws IllegalArgumentException if there is no such slot, or it is 0
   */
  public void clear(int slot) {
    requireSlot(slot);
    banks.forEach(bank -> bank.slot(slot).fill((byte) 0));
    counts.forEach(each -> each.set(slot, 0));
    release(slot);
  }

  /**
   * Says that no row will be in a slot until it is written again: what it has in common with other
   * slots can go.
   *
   * @throws IllegalArgumentException if there is no such slot, or it is 0
   */
  public void release(int slot) {
    requireSlot(slot);
    shared.forEach(each -> each.clear(slot));
  }

  /**
   * Whether the adapter in a slot shares something between its layers, of which there is room for
   * fewer than there are slots.
   *
   * @throws IllegalArgumentException if there is no such slot, or it is 0
   */
  public boolean isSharing(int slot) {
    requireSlot(slot);
    return shared.stream().anyMatch(each -> each.isTaken(slot));
  }

  /** How many learned tokens stand before a text that the adapter in a slot answers. */
  int tokens(int slot) {
    return Math.toIntExact(counts.stream().mapToLong(each -> each.of(slot)).sum());
  }

  private void requireSlot(int slot) {
    if (slot < 1 || slot >= slots) {
      throw new IllegalArgumentException(
          "Slot %d; there are slots 1 to %d".formatted(slot, slots - 1));
    }
  }

  /**
   * A slot's number, if there is such a slot; 0 is one.
   *
   * @throws IllegalArgumentException if there is none
   */
  int require(int slot) {
    if (slot < 0 || slot >= slots) {
      throw new IllegalArgumentException(
          "Slot %d; there are slots 0 to %d".formatted(slot, slots - 1));
    }
    return slot;
  }

  /** Frees the banks; no run may be going on. Closing twice does nothing. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      scope.close();
      arena.close();
    }
  }
}
