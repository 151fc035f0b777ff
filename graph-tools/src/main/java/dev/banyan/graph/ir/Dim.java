package dev.banyan.graph.ir;

/** One dimension of a value's type, as far as it is known before the graph runs. */
public sealed interface Dim {
  /** A dimension of this size. */
  record Known(long size) implements Dim {
    @Override
    public String toString() {
      return Long.toString(size);
    }
  }

  /**
   * A dimension with a name. Equal names do not prove equal sizes: some exporters give the batch
   * and the sequence axis one name.
   */
  record Symbolic(String name) implements Dim {
    @Override
    public String toString() {
      return name;
    }
  }

  /** A dimension of which nothing is known. */
  record Unknown() implements Dim {
    @Override
    public String toString() {
      return "?";
    }
  }

  /** A dimension of this size. */
  static Dim of(long size) {
    return new Known(size);
  }

  /** A dimension with this name. */
  static Dim of(String name) {
    return new Symbolic(name);
  }

  /** True if the dimension is known to be this size. */
  default boolean isKnownToBe(long size) {
    return this instanceof Known known && known.size() == size;
  }
}
