package dev.banyan.runtime.base;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;

/**
 * The right singular vectors of a matrix for its largest singular values, by the method of Lanczos
 * (1950) with every new vector made orthogonal to all before: for a few of many vectors a small
 * part of the work of a whole decomposition, and as exact.
 *
 * @param squares of the singular values, the largest first
 * @param vectors {@code [columns]} each, of length 1
 */
record LeadingDirections(List<Double> squares, List<double[]> vectors) {
  /** Of the largest square; directions are then known to about this by the distance of squares. */
  private static final double EXACT = 1e-12;

  private static final int FIRST_CHECK = 10;
  private static final long SEED = 1;

  /** The leading ones of a matrix; fewer if it has fewer columns. */
  static LeadingDirections of(Matrix matrix, int count) {
    return new Search(matrix, Math.min(count, matrix.columns())).run();
  }

  /** The basis as it grows, in which the matrix's square is tridiagonal. */
  private static final class Search {
    private final Matrix matrix;
    private final int count;
    private final SplittableRandom random = new SplittableRandom(SEED);
    private final List<double[]> basis = new ArrayList<>();
    private final List<Double> diagonal = new ArrayList<>();
    private final List<Double> beside = new ArrayList<>();

    Search(Matrix matrix, int count) {
      this.matrix = matrix;
      this.count = count;
    }

    LeadingDirections run() {
      basis.add(fresh());
      int check = Math.min(matrix.columns(), 2 * count + FIRST_CHECK);
      while (true) {
        double left = grow();
        if (diagonal.size() == matrix.columns()) {
          return found(Small.of(diagonal, beside));
        }
        if (diagonal.size() == check) {
          Small small = Small.of(diagonal, beside);
          if (small.isExact(count, left)) {
            return found(small);
          }
          check = Math.min(matrix.columns(), check + Math.max(FIRST_CHECK, check / 4));
        }
      }
    }

    /** Adds a vector to the basis, unless it is whole; how much of the next is outside of it. */
    private double grow() {
      double[] last = basis.getLast();
      double[] next = matrix.squareTimes(last);
      diagonal.add(product(next, last));
      orthogonalize(next);
      double left = Math.sqrt(product(next, next));
      if (diagonal.size() < matrix.columns()) {
        boolean closed = left <= EXACT * Math.abs(diagonal.getFirst()) + Double.MIN_NORMAL;
        beside.add(closed ? 0 : left);
        basis.add(closed ? fresh() : scaled(next, 1 / left));
      }
      return left;
    }

    /** A vector of length 1 that is orthogonal to the basis. */
    private double[] fresh() {
      while (true) {
        double[] vector = random.doubles(matrix.columns(), -1, 1).toArray();
        orthogonalize(vector);
        double length = Math.sqrt(product(vector, vector));
        if (length > 1e-3) {
          return scaled(vector, 1 / length);
        }
      }
    }

    /** Twice, as the first time leaves rounding. */
    private void orthogonalize(double[] vector) {
      for (int time = 0; time < 2; time++) {
        for (double[] other : basis) {
          double share = product(vector, other);
          for (int i = 0; i < vector.length; i++) {
            vector[i] -= share * other[i];
          }
        }
      }
    }

    private LeadingDirections found(Small small) {
      List<Double> squares = new ArrayList<>();
      List<double[]> vectors = new ArrayList<>();
      for (int index : small.order().subList(0, count)) {
        double[] vector = new double[matrix.columns()];
        for (int k = 0; k < diagonal.size(); k++) {
          double share = small.element(index, k);
          for (int i = 0; i < vector.length; i++) {
            vector[i] += share * basis.get(k)[i];
          }
        }
        squares.add(Math.max(0, small.value(index)));
        vectors.add(scaled(vector, 1 / Math.sqrt(product(vector, vector))));
      }
      return new LeadingDirections(squares, vectors);
    }

    private static double product(double[] a, double[] b) {
      double sum = 0;
      for (int i = 0; i < a.length; i++) {
        sum += a[i] * b[i];
      }
      return sum;
    }

    private static double[] scaled(double[] vector, double factor) {
      double[] scaled = vector.clone();
      for (int i = 0; i < scaled.length; i++) {
        scaled[i] *= factor;
      }
      return scaled;
    }
  }

  /** The tridiagonal matrix taken apart. */
  private record Small(EigenDecomposition_F64<DMatrixRMaj> parts, int size) {
    static Small of(List<Double> diagonal, List<Double> beside) {
      int size = diagonal.size();
      DMatrixRMaj matrix = new DMatrixRMaj(size, size);
      for (int i = 0; i < size; i++) {
        matrix.set(i, i, diagonal.get(i));
        if (i + 1 < size) {
          matrix.set(i, i + 1, beside.get(i));
          matrix.set(i + 1, i, beside.get(i));
        }
      }
      EigenDecomposition_F64<DMatrixRMaj> parts = DecompositionFactory_DDRM.eig(size, true, true);
      if (!parts.decompose(matrix)) {
        throw new IllegalStateException("No eigenvalues of a matrix of " + size);
      }
      return new Small(parts, size);
    }

    double value(int index) {
      return parts.getEigenvalue(index).getReal();
    }

    double element(int index, int at) {
      return parts.getEigenVector(index).get(at);
    }

    /** The largest first. */
    List<Integer> order() {
      return IntStream.range(0, size)
          .boxed()
          .sorted(Comparator.comparingDouble((Integer i) -> value(i)).reversed())
          .toList();
    }

    /** Whether as many as are wanted, and two more, would change no more if the basis grew. */
    boolean isExact(int count, double left) {
      List<Integer> order = order();
      double largest = Math.max(value(order.getFirst()), Double.MIN_NORMAL);
      return order.subList(0, Math.min(size, count + 2)).stream()
          .allMatch(index -> Math.abs(element(index, size - 1)) * left <= EXACT * largest);
    }
  }
}
