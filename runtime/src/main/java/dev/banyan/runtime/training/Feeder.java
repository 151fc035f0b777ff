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
 * @param sites what adapters take beside their parameters
 * @param loss what the loss takes beside the labels
 * @param prefix what is below the lowest adapter, if it is kept
 */
record Feeder(
    List<String> inputs,
    Padding padding,
    SiteInputs sites,
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
    return new Feeder(inputs, padding, sites.withoutAdapter(), loss, prefix);
  }

  /** The inputs of the eval graph. */
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
    sites.addTo(feeds, scope);
    return new Feeds(scope, batch, feeds);
  }

  /** The inputs of the training graph for a batch of a step, with what is dropped there. */
  Feeds feeds(EncodedData data, List<Integer> picked, LoraDropout.Place place) {
    Feeds feeds = feeds(data, picked);
    sites.addTo(feeds, place);
    return feeds;
  }

  /** The inputs of training and eval graph, with nothing dropped. */
  Feeds fullFeeds(EncodedData data, List<Integer> picked) {
    Feeds feeds = feeds(data, picked);
    sites.addFullTo(feeds);
    return feeds;
  }
}
