package dev.banyan.runtime.training;

import dev.banyan.runtime.data.DataFailure;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.data.LabelSet;
import dev.banyan.runtime.data.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A data set as token ids.
 *
 * @param texts one for each example
 * @param partners what each text belongs to when pairs are learned; empty when labels are
 * @param labels the class id of each text; empty when pairs are learned
 */
record EncodedData(List<Encoding> texts, List<Encoding> partners, List<Long> labels) {
  /** Texts with labels; a {@code text_pair} is part of its text. */
  static EncodedData labelled(Dataset data, LabelSet labels, TextTokenizer tokenizer) {
    List<Long> ids = Arrays.stream(labels.idsOf(data)).boxed().toList();
    return new EncodedData(tokenizer.encodeAll(data.examples()), List.of(), ids);
  }

  /**
   * Texts with partners.
   *
   * @throws DataFailure.BadLine if an example has no {@code text_pair}
   */
  static EncodedData paired(Dataset data, TextTokenizer tokenizer) {
    return new EncodedData(
        tokenizer.encodeAll(data.texts()), tokenizer.encodeAll(data.partners()), List.of());
  }

  /** Every text and every partner. */
  List<Encoding> encodings() {
    return Stream.concat(texts.stream(), partners.stream()).toList();
  }

  /** Tokens of each example; of a pair, those of the longer text. */
  int[] lengths() {
    return IntStream.range(0, texts.size())
        .map(
            i -> Math.max(texts.get(i).length(), partners.isEmpty() ? 0 : partners.get(i).length()))
        .toArray();
  }

  /** The rows of a batch: the picked texts, then their partners. */
  List<Encoding> rows(List<Integer> picked) {
    List<Encoding> rows = new ArrayList<>(picked.stream().map(texts::get).toList());
    if (!partners.isEmpty()) {
      picked.stream().map(partners::get).forEach(rows::add);
    }
    return rows;
  }

  /** The class ids of the picked texts. */
  long[] labels(List<Integer> picked) {
    return picked.stream().mapToLong(labels::get).toArray();
  }
}
