package dev.banyan.runtime.report;

import dev.banyan.artifacts.integrity.AtomicFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Loss over steps as an SVG picture: faint what was measured, bold its running mean.
 *
 * @param title headline
 * @param curves one for each run
 */
public record LossChart(String title, List<Curve> curves) {
  private static final int WIDTH = 800;
  private static final int HEIGHT = 420;
  private static final int LEFT = 60;
  private static final int RIGHT = 20;
  private static final int TOP = 40;
  private static final int BOTTOM = 50;
  private static final int TICKS = 5;

  /** Distinct also for the colour-blind (Okabe and Ito). */
  private static final List<String> COLOURS =
      List.of("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000");

  /**
   * One run.
   *
   * @param name shown in the legend
   * @param losses one a step, finite
   */
  public record Curve(String name, List<Float> losses) {
    /** Copies the losses. */
    public Curve {
      losses = List.copyOf(losses);
    }

    /** Exponential running mean over about ten steps, without a slow start. */
    List<Float> smooth() {
      double[] mean = {0, 0};
      return losses.stream()
          .map(
              loss -> {
                mean[0] = 0.9 * mean[0] + 0.1 * loss;
                mean[1] = 0.9 * mean[1] + 0.1;
                return (float) (mean[0] / mean[1]);
              })
          .toList();
    }
  }

  /** Copies the curves. */
  public LossChart {
    curves = List.copyOf(curves);
  }

  /** Writes the picture atomically. */
  public void write(Path file) {
    AtomicFiles.write(file, svg().getBytes(StandardCharsets.UTF_8));
  }

  /** The picture's text. */
  public String svg() {
    int steps = curves.stream().mapToInt(curve -> curve.losses().size()).max().orElse(1);
    float top =
        curves.stream().flatMap(curve -> curve.losses().stream()).max(Float::compare).orElse(1f);
    Scale scale = new Scale(Math.max(1, steps), top > 0 ? top : 1);
    StringBuilder svg = new StringBuilder();
    svg.append(
        format(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\""
                + " font-family=\"sans-serif\" font-size=\"12\">%n"
                + "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>%n"
                + "<text x=\"%d\" y=\"24\" font-size=\"16\">%s</text>%n",
            WIDTH, HEIGHT, LEFT, Html.escape(title)));
    axes(svg, scale);
    for (int i = 0; i < curves.size(); i++) {
      curve(svg, scale, i);
    }
    return svg.append("</svg>\n").toString();
  }

  private void axes(StringBuilder svg, Scale scale) {
    for (int tick = 0; tick <= TICKS; tick++) {
      double loss = scale.top() * tick / TICKS;
      int step = Math.round((float) scale.steps() * tick / TICKS);
      svg.append(
          format(
              "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>%n"
                  + "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.2f</text>%n"
                  + "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>%n",
              LEFT,
              WIDTH - RIGHT,
              scale.y(loss),
              scale.y(loss),
              LEFT - 8,
              scale.y(loss) + 4,
              loss,
              scale.x(step),
              HEIGHT - BOTTOM + 18,
              step));
    }
    svg.append(
        format(
            "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">step</text>%n",
            (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12));
  }

  private void curve(StringBuilder svg, Scale scale, int index) {
    Curve curve = curves.get(index);
    String colour = COLOURS.get(index % COLOURS.size());
    line(svg, scale.points(curve.losses()), colour, "stroke-width=\"1\" opacity=\"0.3\"");
    line(svg, scale.points(curve.smooth()), colour, "stroke-width=\"2\"");
    svg.append(
        format(
            "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"%s\">%s</text>%n",
            WIDTH - RIGHT - 8, TOP + 16 + 16 * index, colour, Html.escape(curve.name())));
  }

  private static void line(StringBuilder svg, String points, String colour, String style) {
    svg.append(
        format(
            "<polyline fill=\"none\" stroke=\"%s\" %s points=\"%s\"/>%n", colour, style, points));
  }

  /** From steps and losses to places in the picture. */
  private record Scale(int steps, double top) {
    double x(double step) {
      return LEFT + (WIDTH - LEFT - RIGHT) * step / steps;
    }

    double y(double loss) {
      return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * loss / top;
    }

    String points(List<Float> losses) {
      return IntStream.range(0, losses.size())
          .mapToObj(i -> format("%.1f,%.1f", x(i + 1), y(losses.get(i))))
          .collect(Collectors.joining(" "));
    }
  }

  /** A decimal point in every country. */
  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern.replace("%n", "\n"), values);
  }
}
