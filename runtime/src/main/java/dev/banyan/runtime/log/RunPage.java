package dev.banyan.runtime.log;

import dev.banyan.artifacts.integrity.AtomicFiles;
import dev.banyan.runtime.report.Html;
import dev.banyan.runtime.report.LinePlot;
import dev.banyan.runtime.report.LossChart;
import dev.banyan.runtime.training.RunIdentity;
import dev.banyan.runtime.training.TrainingEvent;
import dev.banyan.runtime.training.TrainingListener;
import dev.banyan.runtime.training.TrainingReport;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One HTML page about a run, with nothing outside it: curves, results, settings, the digests of
 * bundle and data, and the machine. Of a run that went on after an interruption, curves other than
 * the loss begin where it went on.
 */
public final class RunPage implements TrainingListener {
  private static final String STYLE =
      "body{font-family:sans-serif;max-width:1180px;margin:2em"
          + " auto;color:#222}table{border-collapse:collapse;margin:1em 0}td{padding:2px 12px 2px"
          + " 0;vertical-align:top}"
          + "td:last-child{font-family:monospace;word-break:break-all}svg{max-width:100%}";

  private final List<LinePlot.Point> rates = new ArrayList<>();
  private final List<LinePlot.Point> norms = new ArrayList<>();
  private final Map<String, List<LinePlot.Point>> scores = new LinkedHashMap<>();

  /** A page without a run. */
  public RunPage() {}

  @Override
  public void on(TrainingEvent event) {
    switch (event) {
      case TrainingEvent.Stepped step -> {
        rates.add(new LinePlot.Point(step.step(), step.learningRate()));
        step.gradientNorm().ifPresent(norm -> norms.add(new LinePlot.Point(step.step(), norm)));
      }
      case TrainingEvent.Evaluated evaluated ->
          evaluated
              .score()
              .toJson()
              .properties()
              .forEach(
                  entry -> {
                    if (entry.getValue().isNumber() && !entry.getKey().equals("examples")) {
                      scores
                          .computeIfAbsent(entry.getKey(), name -> new ArrayList<>())
                          .add(
                              new LinePlot.Point(evaluated.step(), entry.getValue().doubleValue()));
                    }
                  });
      case TrainingEvent.TextsCut _,
          TrainingEvent.PrefixKept _,
          TrainingEvent.Started _,
          TrainingEvent.Saved _,
          TrainingEvent.StateSaved _,
          TrainingEvent.StoppedEarly _,
          TrainingEvent.Interrupted _ -> {}
    }
  }

  /** Writes the page. */
  public void write(Path file, Path adapter, TrainingReport report, RunIdentity identity) {
    String title = String.valueOf(adapter.getFileName());
    StringBuilder page = new StringBuilder();
    page.append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>")
        .append(Html.escape(title))
        .append("</title><style>")
        .append(STYLE)
        .append("</style></head><body>\n<h1>")
        .append(Html.escape(title))
        .append("</h1>\n");
    table(page, "Result", results(adapter, report));
    LossChart.Curve losses = new LossChart.Curve("loss", report.losses());
    page.append(new LossChart("Loss", List.of(losses)).svg());
    scores.forEach((name, points) -> plot(page, "Held out: " + name, points));
    plot(page, "Learning rate", rates);
    plot(page, "Norm of the gradients", norms);
    table(page, "Settings", identity.facts());
    table(page, "Machine", machine());
    page.append("</body></html>\n");
    AtomicFiles.write(file, page.toString().getBytes(StandardCharsets.UTF_8));
  }

  private static Map<String, String> results(Path adapter, TrainingReport report) {
    Map<String, String> rows = new LinkedHashMap<>();
    rows.put("adapter", adapter.toString());
    report
        .toJson()
        .properties()
        .forEach(
            entry -> {
              if (entry.getValue().isValueNode()) {
                rows.put(entry.getKey(), entry.getValue().asText());
              } else if (!entry.getKey().equals("losses") && !entry.getKey().equals("step_ms")) {
                rows.put(entry.getKey(), entry.getValue().toString());
              }
            });
    return rows;
  }

  private static Map<String, String> machine() {
    Map<String, String> rows = new LinkedHashMap<>();
    rows.put("java", Runtime.version().toString());
    rows.put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    rows.put("processors", Integer.toString(Runtime.getRuntime().availableProcessors()));
    return rows;
  }

  private static void plot(StringBuilder page, String title, List<LinePlot.Point> points) {
    if (!points.isEmpty()) {
      page.append(new LinePlot(title, points).svg());
    }
  }

  private static void table(StringBuilder page, String title, Map<String, String> rows) {
    page.append("<h2>").append(Html.escape(title)).append("</h2>\n<table>\n");
    rows.forEach(
        (name, value) ->
            page.append("<tr><td>")
                .append(Html.escape(name))
                .append("</td><td>")
                .append(Html.escape(value))
                .append("</td></tr>\n"));
    page.append("</table>\n");
  }
}
