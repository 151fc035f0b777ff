package dev.banyan.server.quickstart;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.AtomicFiles;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.runtime.report.JsonOutput;
import dev.banyan.runtime.report.ProcessStats;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/**
 * Every figure that the quickstart printed.
 *
 * @param bundles what was prepared
 * @param tenants what was trained
 * @param serving how the requests went
 * @param seconds time of the whole, from the start of the process
 */
record Summary(List<Prepared> bundles, List<Trained> tenants, Serving serving, double seconds) {
  /** One bundle. */
  record Prepared(
      String targets,
      int sites,
      long trainableParameters,
      long frozenParameters,
      double mib,
      double seconds) {}

  /** One adapter, with its held-out figures beside the baseline's. */
  record Trained(
      Tenant tenant,
      List<String> labels,
      Judged judged,
      long trainableParameters,
      int steps,
      double seconds,
      double tokensPerSecond,
      String digest) {}

  /** How held-out texts were answered: by the baseline, and by the adapter. */
  record Judged(double baselineAccuracy, double accuracy, double macroF1) {}

  /** The requests of all tenants, interleaved over HTTP. */
  record Serving(
      int requests,
      int failed,
      double p50Millis,
      double p99Millis,
      double meanBatchRows,
      double seconds) {}

  void write(Path file) {
    AtomicFiles.write(file, (toJson().toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private ObjectNode toJson() {
    ObjectNode json = JsonText.object();
    ArrayNode bundleArray = json.putArray("bundles");
    bundles.forEach(bundle -> bundleArray.add(bundleJson(bundle)));
    ArrayNode tenantArray = json.putArray("tenants");
    tenants.forEach(trained -> tenantArray.add(tenantJson(trained)));
    json.set("serving", servingJson());
    return json.put("seconds", round(seconds)).put("peak_rss_mib", ProcessStats.peakRssMib());
  }

  private static ObjectNode bundleJson(Prepared bundle) {
    return JsonText.object()
        .put("targets", bundle.targets())
        .put("sites", bundle.sites())
        .put("trainable_parameters", bundle.trainableParameters())
        .put("frozen_parameters", bundle.frozenParameters())
        .put("mib", round(bundle.mib()))
        .put("seconds", round(bundle.seconds()));
  }

  private static ObjectNode tenantJson(Trained trained) {
    ObjectNode json =
        JsonText.object()
            .put("name", trained.tenant().name())
            .put("adapter", trained.tenant().adapter())
            .put("targets", trained.tenant().targets().selector())
            .put("rank", trained.tenant().rank())
            .put("baseline_accuracy", round(trained.judged().baselineAccuracy()))
            .put("accuracy", round(trained.judged().accuracy()))
            .put("macro_f1", round(trained.judged().macroF1()));
    ArrayNode labelArray = json.putArray("labels");
    trained.labels().forEach(labelArray::add);
    return json.put("trainable_parameters", trained.trainableParameters())
        .put("steps", trained.steps())
        .put("seconds", round(trained.seconds()))
        .put("tokens_per_second", round(trained.tokensPerSecond()))
        .put("adapter_digest", trained.digest());
  }

  private ObjectNode servingJson() {
    return JsonText.object()
        .put("requests", serving.requests())
        .put("failed", serving.failed())
        .put("p50_ms", round(serving.p50Millis()))
        .put("p99_ms", round(serving.p99Millis()))
        .put("mean_batch_rows", round(serving.meanBatchRows()))
        .put("seconds", round(serving.seconds()));
  }

  private static double round(double value) {
    return JsonOutput.round(value, 4);
  }
}
