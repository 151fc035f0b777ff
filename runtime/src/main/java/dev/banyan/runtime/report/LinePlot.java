package dev.banyan.runtime.report;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * One value over the steps of a run as an SVG picture.
 *
 * @param title headline
 * @param points at least one, in the order of their steps
 */
public record LinePlot(String title, List<Point> points) {
  private static final int WIDTH = 560;
  private static final int HEIGHT = 240;
  private static final int LEFT = 70;
  private static final int TOP = 34;
  private static final int RIGHT = 12;
  private static final int BOTTOM = 28;
  private static final int TICKS = 4;

  /**
   * A value that was measured.
   *
   * @param step after so many updates
   * @param value finite
   */
  public record Point(int step, double value) {}

  /** Copies the points. */
  public LinePlot {
    points = List.copyOf(points);
  }

  /** The picture's text, to be put into a page. */
  public String svg() {
    double low = points.stream().mapToDouble(Point::value).min().orElse(0);
    double high = points.stream().mapToDouble(Point::value).max().orElse(1);
    if (low == high) {
      high = low + Math.max(Math.abs(low), 1e-9);
    }
    int last = Math.max(1, points.stream().mapToInt(Point::step).max().orElse(1));
    StringBuilder svg = new StringBuilder();
    svg.append(
        format(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\""
                + " font-family=\"sans-serif\" font-size=\"11\">%n"
                + "<text x=\"%d\" y=\"20\" font-size=\"14\">%s</text>%n",
            WIDTH, HEIGHT, WIDTH, LEFT, Html.escape(title)));
    for (int tick = 0; tick <= TICKS; tick++) {
      double value = low + (high - low) * tick / TICKS;
      double y = y(value, low, high);
      int step = Math.round((float) last * tick / TICKS);
      svg.append(
          format(
              "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>%n"
                  + "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>%n"
                  + "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>%n",
              LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, value, x(step, last), HEIGHT - 8, step));
    }
    double lowest = low;
    double highest = high;
    String line =
        points.stream()
            .map(
                point ->
                    format("%.1f,%.1f", x(point.step(), last), y(point.value(), lowest, highest)))
            .collect(Collectors.joining(" "));
    return svg.append(
            format(
                "<polyline fill=\"none\" stroke=\"#0072B2\" stroke-width=\"1.5\""
                    + " points=\"%s\"/>%n</svg>%n",
                line))
        .toString();
  }

  private static double x(double step, int last) {
    return LEFT + (WIDTH - LEFT - RIGHT) * step / last;
  }

  private static double y(double value, double low, double high) {
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low);
  }

  /** A decimal point in every country. */
  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern.replace("%n", "\n"), values);
  }
}
