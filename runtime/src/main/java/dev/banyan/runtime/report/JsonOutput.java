package dev.banyan.runtime.report;

import java.math.BigDecimal;
import java.math.MathContext;

/** Figures in the JSON object that a command with {@code --json} prints. */
public final class JsonOutput {
  private JsonOutput() {}

  /** A figure with so many significant digits: more would only look exact. */
  public static double round(double value, int digits) {
    return Double.isFinite(value)
        ? new BigDecimal(value).round(new MathContext(digits)).doubleValue()
        : value;
  }
}
