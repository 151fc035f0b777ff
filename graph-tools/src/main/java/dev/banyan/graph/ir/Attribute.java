package dev.banyan.graph.ir;

import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** A node's constant setting. */
public sealed interface Attribute {
  /** A whole number. */
  record Int(long value) implements Attribute {}

  /** A real number. */
  record Real(float value) implements Attribute {}

  /** A string. */
  record Text(String value) implements Attribute {}

  /** Whole numbers. */
  record Ints(List<Long> values) implements Attribute {
    /** Copies the values. */
    public Ints {
      values = List.copyOf(values);
    }
  }

  /** Real numbers. */
  record Reals(List<Float> values) implements Attribute {
    /** Copies the values. */
    public Reals {
      values = List.copyOf(values);
    }
  }

  /** Strings. */
  record Texts(List<String> values) implements Attribute {
    /** Copies the values. */
    public Texts {
      values = List.copyOf(values);
    }
  }

  /** A tensor. */
  record Constant(Tensor value) implements Attribute {}

  /**
   * What Banyan carries along and never looks into, such as the branches of {@code If}.
   *
   * @param encoded the attribute as its file had it
   * @param captures names of outer values that it reads
   */
  record Opaque(MemorySegment encoded, Set<String> captures) implements Attribute {
    /** Copies the names. */
    public Opaque {
      captures = Set.copyOf(captures);
    }
  }

  /** A whole number. */
  static Attribute of(long value) {
    return new Int(value);
  }

  /** A real number. */
  static Attribute of(float value) {
    return new Real(value);
  }

  /** A string. */
  static Attribute of(String value) {
    return new Text(value);
  }

  /** Whole numbers. */
  static Attribute ints(long... values) {
    return new Ints(Arrays.stream(values).boxed().toList());
  }
}
