package dev.banyan.runtime.training;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.runtime.data.Batch;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;

/**
 * Draws what LoRA's dropout leaves of the input of each layer. The masks of a batch are a function
 * of seed, step, the batch's place in the step and the layer, and of nothing that was drawn before:
 * a resumed run and any engine get the same.
 *
 * <p>Numbers are SplitMix64's (Steele, Lea, Flood, 2014), of which each gives 15 bits to each of
 * four elements.
 *
 * @param share of the elements that is dropped, from 0 to below 1
 * @param seed the run's
 * @param masks the graph's inputs, in the order of its layers
 * @param told whether what makes up for the dropped is an input of the graph too
 */
record LoraDropout(double share, long seed, List<Mask> masks, boolean told) {
  /** Behind a layer's path in the name of its mask. */
  static final String SUFFIX = ".lora_dropout";

  /** What makes up for the dropped, where the graph asks for it. */
  static final String COMPENSATION = "lora_dropout_compensation";

  private static final ValueLayout.OfLong EIGHT =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final long LANES = 0x0001_0001_0001_0001L;
  private static final long LOW_15_BITS = 0x7FFFL * LANES;
  private static final int STEPS_OF_SHARE = 1 << 15;
  private static final long GOLDEN = 0x9E37_79B9_7F4A_7C15L;

  /** Copies the list. */
  LoraDropout {
    masks = List.copyOf(masks);
  }

  /**
   * A bool input {@code [batch, sequence, width]}.
   *
   * @param name the input
   * @param width features of the layer's input
   */
  record Mask(String name, long width) {}

  /**
   * Where in a run masks are drawn.
   *
   * @param step number of the step
   * @param batch number of the batch in the step
   */
  record Place(long step, long batch) {}

  /** What makes up for the dropped elements. */
  double compensation() {
    return 1 / (1 - share);
  }

  /** Nothing is dropped by the same masks. */
  LoraDropout full() {
    return new LoraDropout(0, 0, masks, told);
  }

  /** Adds the masks of one batch. */
  void addTo(Map<String, NativeTensor> feeds, TensorScope scope, Batch batch, Place place) {
    if (told) {
      feeds.put(COMPENSATION, scope.floats(new float[] {(float) compensation()}));
    }
    for (int i = 0; i < masks.size(); i++) {
      Mask mask = masks.get(i);
      Shape shape = Shape.of(batch.rows(), batch.length(), mask.width());
      long elements = shape.elements();
      MemorySegment memory = scope.memory((elements + Long.BYTES - 1) / Long.BYTES * Long.BYTES);
      draw(memory, place, i);
      feeds.put(mask.name(), scope.view(memory.asSlice(0, elements), DType.BOOL, shape));
    }
  }

  /**
   * Writes a byte of 1 for each element that stays and of 0 for each that does not.
   *
   * @param memory a multiple of 8 bytes
   * @param layer index of the layer
   */
  void draw(MemorySegment memory, Place place, int layer) {
    long dropped = Math.round(share * STEPS_OF_SHARE);
    // A lane of 16 bits overflows into its highest bit if the element stays.
    long toOverflow = (STEPS_OF_SHARE - dropped) * LANES;
    long state = mixed(mixed(mixed(mixed(seed) + place.step()) + place.batch()) + layer);
    for (long at = 0; at < memory.byteSize(); at += Long.BYTES) {
      state += GOLDEN;
      long even = ((mixed(state) & LOW_15_BITS) + toOverflow) >>> 15 & LANES;
      state += GOLDEN;
      long odd = ((mixed(state) & LOW_15_BITS) + toOverflow) >>> 15 & LANES;
      memory.set(EIGHT, at, even | odd << 8);
    }
  }

  private static long mixed(long bits) {
    long mixed = (bits ^ bits >>> 30) * 0xBF58_476D_1CE4_E5B9L;
    mixed = (mixed ^ mixed >>> 27) * 0x94D0_49BB_1331_11EBL;
    return mixed ^ mixed >>> 31;
  }
}
