package dev.banyan.runtime.training;

import dev.banyan.runtime.data.Batch;
import dev.banyan.runtime.data.Batch.Padding;
import dev.banyan.runtime.data.EncodedData;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Makes the user inputs of a training or eval graph from picked examples.
 *
 * @param inputs the base model's inputs
 * @param padding how rows are filled up
 * @param scaling the value of {@code lora_scaling}
 * @param loss what the loss takes beside the labels
 * @param prefix what is below the lowest adapter, if it is kept
 */
record Feeder(
    List<String> inputs,
    Padding padding,
    double scaling,
    LossInputs loss,
    Optional<PrefixCache> prefix) {
  /** The inputs of one step, which end with it. */
  record Feeds(TensorScope scope, Batch batch, Map<String, NativeTensor> byName)
      implements AutoCloseable {
    @Override
    public void close() {
      scope.close();
    }
  }

  /** The same for the base alone: LoRA's product counts nothing. */
  Feeder withoutAdapter() {
    return new Feeder(inputs, padding, 0, loss, prefix);
  }

  Feeds feeds(EncodedData data, List<Integer> picked) {
    List<Encoding> rows = data.rows(picked);
    Batch batch = Batch.of(rows, padding);
    TensorScope scope = new TensorScope();
    Map<String, NativeTensor> feeds = batch.feeds(scope, inputs);
    data.targets()
        .feed(scope, picked, batch.length())
        .ifPresent(labels -> feeds.put("labels", labels));
    loss.addTo(feeds, scope);
    prefix.ifPresent(
        kept -> feeds.put(PrefixCache.PREFIX, kept.tensor(scope, rows, batch.length())));
    feeds.put("lora_scaling", scope.floats(new float[] {(float) scaling}));
    return new Feeds(scope, batch, feeds);
  }
}
