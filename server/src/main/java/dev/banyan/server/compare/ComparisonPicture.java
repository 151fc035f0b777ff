package dev.banyan.server.compare;

import dev.banyan.server.compare.Compared.Figures;
import java.util.List;
import java.util.Locale;

/**
 * Each method as a dot: how many numbers it trains, on a logarithmic scale, against how well it
 * answers. What is high and to the left is good.
 *
 * @param rows the methods; those that failed are left out
 */
record ComparisonPicture(List<Compared> rows) {
  private static final int WIDTH = 760;
  private static final int HEIGHT = 440;
  private static final int LEFT = 70;
  private static final int RIGHT = 130;
  private static final int TOP = 40;
  private static final int BOTTOM = 50;
  private static final int TICKS = 5;

  /** Copies the list. */
  ComparisonPicture {
    rows = rows.stream().filter(row -> row.figures().isPresent()).toList();
  }

  /** The picture's text, SVG. */
  String svg() {
    List<Figures> figures = rows.stream().map(row -> row.figures().orElseThrow()).toList();
    double low = figures.stream().mapToDouble(Figures::mean).min().orElse(0);
    double high = figures.stream().mapToDouble(Figures::mean).max().orElse(1);
    double room = Math.max((high - low) * 0.1, 1e-6);
    Scale up = new Scale(low - room, high + room, HEIGHT - BOTTOM, TOP);
    double most = figures.stream().mapToDouble(ComparisonPicture::decades).max().orElse(1);
    Scale right = new Scale(0, Math.ceil(most), LEFT, WIDTH - RIGHT);
    StringBuilder svg = new StringBuilder();
    svg.append(
        format(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" font-family=\"sans-serif\" font-size=\"12\">%n",
            WIDTH, HEIGHT, WIDTH));
    svg.append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
    String metric = figures.isEmpty() ? "score" : figures.getFirst().metric().title();
    svg.append(text(LEFT, 22, "start", metric + " by number of trained parameters"));
    axes(svg, up, right);
    for (int i = 0; i < rows.size(); i++) {
      double x = right.at(decades(figures.get(i)));
      double y = up.at(figures.get(i).mean());
      svg.append(format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"#0072B2\"/>%n", x, y));
      svg.append(text(x + 8, y + 4, "start", rows.get(i).method()));
    }
    return svg.append("</svg>\n").toString();
  }

  private static void axes(StringBuilder svg, Scale up, Scale right) {
    for (int tick = 0; tick <= TICKS; tick++) {
      double value = up.low() + (up.high() - up.low()) * tick / TICKS;
      line(svg, LEFT, up.at(value), WIDTH - RIGHT, up.at(value));
      svg.append(text(LEFT - 6, up.at(value) + 4, "end", format("%.4g", value)));
    }
    for (int decade = 0; decade <= right.high(); decade++) {
      double x = right.at(decade);
      line(svg, x, TOP, x, HEIGHT - BOTTOM);
      svg.append(text(x, HEIGHT - BOTTOM + 18, "middle", format("%,.0f", Math.pow(10, decade))));
    }
  }

  private static void line(StringBuilder svg, double x1, double y1, double x2, double y2) {
    svg.append(
        format(
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>%n",
            x1, y1, x2, y2));
  }

  private static String text(double x, double y, String anchor, String words) {
    String escaped = words.replace("&", "&amp;").replace("<", "&lt;");
    return format(
        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>%n", x, y, anchor, escaped);
  }

  private static double decades(Figures figures) {
    return Math.log10((double) Math.max(1, figures.parameters()));
  }

  /** A decimal point in every country. */
  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern.replace("%n", "\n"), values);
  }

  /** From numbers to places. */
  private record Scale(double low, double high, double first, double last) {
    double at(double value) {
      return high == low ? first : first + (last - first) * (value - low) / (high - low);
    }
  }
}
