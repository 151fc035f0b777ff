package dev.banyan.runtime.data;

import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The right answers to the examples of a data set, by place. */
public sealed interface Targets {
  /** A label that does not count, neither in the loss nor in a score. */
  int IGNORED = -100;

  /**
   * One class for each text.
   *
   * @param ids class ids
   */
  record Classes(List<Integer> ids) implements Targets {
    /** Copies the list. */
    public Classes {
      ids = List.copyOf(ids);
    }

    @Override
    public Optional<NativeTensor> feed(TensorScope scope, List<Integer> picked, int length) {
      long[] values = picked.stream().mapToLong(ids::get).toArray();
      return Optional.of(scope.longs(values, values.length));
    }
  }

  /**
   * Any number of classes for each text, fed as zeros and ones.
   *
   * @param ids class ids of each text
   * @param labels number of classes
   */
  record ClassSets(List<List<Integer>> ids, int labels) implements Targets {
    /** Copies the list. */
    public ClassSets {
      ids = List.copyOf(ids);
    }

    @Override
    public Optional<NativeTensor> feed(TensorScope scope, List<Integer> picked, int length) {
      float[] values = new float[picked.size() * labels];
      for (int row = 0; row < picked.size(); row++) {
        for (int id : ids.get(picked.get(row))) {
          values[row * labels + id] = 1;
        }
      }
      return Optional.of(scope.floats(values, picked.size(), labels));
    }
  }

  /**
   * A number for each text or pair.
   *
   * @param values the numbers
   */
  record Values(List<Double> values) implements Targets {
    /** Copies the list. */
    public Values {
      values = List.copyOf(values);
    }

    @Override
    public Optional<NativeTensor> feed(TensorScope scope, List<Integer> picked, int length) {
      float[] fed = new float[picked.size()];
      for (int row = 0; row < fed.length; row++) {
        fed[row] = values.get(picked.get(row)).floatValue();
      }
      return Optional.of(scope.floats(fed, fed.length));
    }
  }

  /**
   * A class for each token, {@link #IGNORED} where there is none.
   *
   * @param ids class ids of each text, as many as it has tokens
   */
  record Tags(List<List<Integer>> ids) implements Targets {
    /** Copies the list. */
    public Tags {
      ids = List.copyOf(ids);
    }

    @Override
    public Optional<NativeTensor> feed(TensorScope scope, List<Integer> picked, int length) {
      long[] values = new long[picked.size() * length];
      Arrays.fill(values, IGNORED);
      for (int row = 0; row < picked.size(); row++) {
        List<Integer> tags = ids.get(picked.get(row));
        for (int token = 0; token < tags.size(); token++) {
          values[row * length + token] = tags.get(token);
        }
      }
      return Optional.of(scope.longs(values, picked.size(), length));
    }

    @Override
    public long counted(List<Integer> picked) {
      return picked.stream()
          .flatMap(example -> ids.get(example).stream())
          .filter(id -> id != IGNORED)
          .count();
    }
  }

  /**
   * The token itself for each token that is to be learned, {@link #IGNORED} for others. The graph
   * compares what it expects at one place with the label at the next.
   *
   * @param ids of each row, as many as it has tokens
   */
  record NextTokens(List<List<Integer>> ids) implements Targets {
    /** Copies the list. */
    public NextTokens {
      ids = List.copyOf(ids);
    }

    @Override
    public Optional<NativeTensor> feed(TensorScope scope, List<Integer> picked, int length) {
      return new Tags(ids).feed(scope, picked, length);
    }

    @Override
    public long counted(List<Integer> picked) {
      return new Tags(ids).counted(picked);
    }
  }

  /** Texts that belong together are each other's answer. */
  record None() implements Targets {
    @Override
    public Optional<NativeTensor> feed(TensorScope scope, List<Integer> picked, int length) {
      return Optional.empty();
    }
  }

  /**
   * The graph's input {@code labels}.
   *
   * @param picked places of the examples of a batch
   * @param length tokens of its rows, padding included
   */
  Optional<NativeTensor> feed(TensorScope scope, List<Integer> picked, int length);

  /** How many answers of a batch its mean loss is over. */
  default long counted(List<Integer> picked) {
    return picked.size();
  }
}
