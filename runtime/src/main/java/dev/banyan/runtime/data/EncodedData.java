package dev.banyan.runtime.data;

import java.util.List;
import java.util.stream.IntStream;

/**
 * A data set as token ids and right answers.
 *
 * @param texts lists of one encoding for each example: one list, or two where an example is a pair
 *     and three where it is a triplet
 * @param targets the right answers
 */
public record EncodedData(List<List<Encoding>> texts, Targets targets) {
  /** Copies the lists. */
  public EncodedData {
    texts = texts.stream().map(List::copyOf).toList();
  }

  /** Number of examples. */
  public int size() {
    return texts.getFirst().size();
  }

  /** Tokens of each example; of several texts, those of the longest. */
  public int[] lengths() {
    return IntStream.range(0, size())
        .map(i -> texts.stream().mapToInt(list -> list.get(i).length()).max().orElseThrow())
        .toArray();
  }

  /** All texts, those of the first list first. */
  public List<Encoding> encodings() {
    return texts.stream().flatMap(List::stream).toList();
  }

  /** The rows of a batch: the picked examples' first texts, then their second ones, and so on. */
  public List<Encoding> rows(List<Integer> picked) {
    return texts.stream().flatMap(list -> picked.stream().map(list::get)).toList();
  }
}
