package dev.banyan.graph.adapter;

import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.inference.Row;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The texts that an adapter of PEFT was recorded with.
 *
 * @param ids int64 {@code [texts, tokens]}
 * @param mask int64 {@code [texts, tokens]}
 */
record RecordedTexts(Tensor ids, Tensor mask) {
  static RecordedTexts of(SafetensorsFile recorded) {
    return new RecordedTexts(
        recorded.tensor("inputs/input_ids").orElseThrow(),
        recorded.tensor("inputs/attention_mask").orElseThrow());
  }

  int rows() {
    return Math.toIntExact(ids.shape().dim(0));
  }

  /** The texts without their padding, for the adapter in a slot. */
  List<Row> at(int slot) {
    long[] all = ids.longs();
    long[] marks = mask.longs();
    int length = Math.toIntExact(ids.shape().dim(1));
    List<Row> rows = new ArrayList<>();
    for (int from = 0; from < all.length; from += length) {
      int tokens = (int) Arrays.stream(marks, from, from + length).sum();
      long[] own = Arrays.copyOfRange(all, from, from + tokens);
      rows.add(new Row(new Encoding(own, new long[tokens]), slot));
    }
    return rows;
  }

  /** The inputs of a model of BERT's kind. */
  Map<String, Tensor> texts() {
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    inputs.put("input_ids", ids);
    inputs.put("attention_mask", mask);
    long[] zeros = new long[Math.toIntExact(ids.shape().elements())];
    inputs.put("token_type_ids", Tensor.ofLongs("token_type_ids", ids.shape(), zeros));
    return inputs;
  }
}
