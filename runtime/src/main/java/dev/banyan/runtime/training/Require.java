package dev.banyan.runtime.training;

/** The one way in which the records of a plan refuse a value, so that all errors read the same. */
final class Require {
  private Require() {}

  /**
   * Refuses a value that is out of range.
   *
   * @param name as on the command line, without the dashes
   * @throws IllegalArgumentException that says name, value and what was expected
   */
  static void that(boolean holds, String name, Object seen, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(name + " is " + seen + "; expected " + expected);
    }
  }
}
