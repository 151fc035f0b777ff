package dev.banyan.graph.blockwise;

/**
 * What a matrix lost when it was stored in few bits.
 *
 * @param max the greatest distance of a number from its original, relative to the matrix's greatest
 *     magnitude
 * @param mean the mean distance, relative to the mean magnitude
 * @param length of the difference, as of a vector
 * @param worstSteps the greatest distance, relative to what the format allows for its block ({@link
 *     BlockMatrix#tolerance}): at most 1, but for the rounding of floats
 */
public record WeightError(double max, double mean, double length, double worstSteps) {
  /** Compares a matrix with what was stored of it. */
  public static WeightError between(MatrixRows exact, BlockMatrix stored) {
    Sums sums = new Sums();
    float[] seen = new float[stored.columns()];
    exact.each(
        (row, values) -> {
          stored.read(row, seen);
          for (int i = 0; i < seen.length; i++) {
            sums.add(values[i], seen[i], stored.tolerance(row, i));
          }
        });
    return new WeightError(
        quotient(sums.furthest, sums.greatest),
        quotient(sums.distance, sums.magnitude),
        Math.sqrt(sums.squares),
        sums.worstSteps);
  }

  /** A distance that is no number stays one, so that nobody takes it for none. */
  private static double quotient(double distance, double magnitude) {
    return distance == 0 ? 0 : distance / magnitude;
  }

  private static final class Sums {
    private double furthest;
    private double greatest;
    private double distance;
    private double squares;
    private double magnitude;
    private double worstSteps;

    void add(float exact, float seen, double tolerance) {
      double apart = Math.abs((double) exact - seen);
      // Math.max passes on what is no number.
      furthest = Math.max(furthest, apart);
      greatest = Math.max(greatest, Math.abs(exact));
      distance += apart;
      squares += apart * apart;
      magnitude += Math.abs(exact);
      worstSteps = Math.max(worstSteps, quotient(apart, tolerance));
    }
  }
}
