package dev.banyan.runtime.data;

import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Texts side by side, each row filled up to the length of the longest. */
public final class Batch {
  private final int rows;
  private final int length;
  private final int tokens;
  private final long[] ids;
  private final long[] mask;
  private final long[] types;

  private Batch(int rows, int length, long padId, int tokens) {
    this.rows = rows;
    this.length = length;
    this.tokens = tokens;
    this.ids = new long[Math.multiplyExact(rows, length)];
    this.mask = new long[ids.length];
    this.types = new long[ids.length];
    Arrays.fill(ids, padId);
  }

  /**
   * Pads texts into one batch.
   *
   * @param encodings the rows, at least one
   * @param padding what fills up short rows, and the least length of all
   */
  public static Batch of(List<Encoding> encodings, Padding padding) {
    int longest = encodings.stream().mapToInt(Encoding::length).max().orElseThrow();
    int tokens = encodings.stream().mapToInt(Encoding::length).sum();
    Batch batch =
        new Batch(encodings.size(), Math.max(longest, padding.minimum()), padding.padId(), tokens);
    for (int row = 0; row < batch.rows; row++) {
      Encoding encoding = encodings.get(row);
      int start = row * batch.length;
      System.arraycopy(encoding.ids(), 0, batch.ids, start, encoding.length());
      System.arraycopy(encoding.types(), 0, batch.types, start, encoding.length());
      Arrays.fill(batch.mask, start, start + encoding.length(), 1);
    }
    return batch;
  }

  /**
   * How rows are filled up.
   *
   * @param padId the padding token
   * @param minimum the least length of a batch; 0 for just the longest row
   */
  public record Padding(long padId, int minimum) {}

  /** Number of texts. */
  public int rows() {
    return rows;
  }

  /** Tokens a row, padding included. */
  public int length() {
    return length;
  }

  /** Tokens of all rows, padding not counted. */
  public int tokens() {
    return tokens;
  }

  /**
   * The base model's inputs as int64 tensors {@code [rows, length]}.
   *
   * @param scope owns the tensors
   * @param inputs the names the base model has, in its order
   * @throws IllegalArgumentException if a name is none of {@code input_ids}, {@code
   *     attention_mask}, {@code token_type_ids}, {@code segment_ids}, {@code position_ids}
   */
  public Map<String, NativeTensor> feeds(TensorScope scope, List<String> inputs) {
    Map<String, NativeTensor> feeds = LinkedHashMap.newLinkedHashMap(inputs.size());
    for (String name : inputs) {
      feeds.put(name, scope.longs(values(name), rows, length));
    }
    return feeds;
  }

  /** One int64 array {@code [rows * length]} of the base model. */
  long[] values(String input) {
    return switch (input) {
      case "input_ids" -> ids;
      case "attention_mask" -> mask;
      case "token_type_ids", "segment_ids" -> types;
      case "position_ids" -> positions();
      default ->
          throw new IllegalArgumentException(
              "The model's input '%s' is none of input_ids, attention_mask, token_type_ids, position_ids"
                  .formatted(input));
    };
  }

  /** The place of each token in its segment, from 0. */
  private long[] positions() {
    long[] positions = new long[ids.length];
    for (int i = 0; i < positions.length; i++) {
      boolean first = i % length == 0 || types[i] != types[i - 1];
      positions[i] = first ? 0 : positions[i - 1] + 1;
    }
    return positions;
  }
}
