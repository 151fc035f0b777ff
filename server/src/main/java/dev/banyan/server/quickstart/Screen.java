package dev.banyan.server.quickstart;

import dev.banyan.runtime.cli.ProgressLine;
import dev.banyan.runtime.training.TrainingListener;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/**
 * What the quickstart shows: headings, lines, and the progress of a training where somebody
 * watches.
 */
final class Screen {
  private final PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);

  void heading(String text) {
    out.println();
    out.println(text);
  }

  void line(String text) {
    out.println("  " + text);
  }

  TrainingListener progress() {
    return ProgressLine.on(out, true);
  }
}
