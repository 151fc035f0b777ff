package dev.banyan.graph.cli;

import java.util.Optional;
import java.util.function.Function;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** An option whose values have names. */
abstract class NamedConverter<T> implements ITypeConverter<T> {
  private final Function<String, Optional<T>> names;
  private final String expected;

  NamedConverter(Function<String, Optional<T>> names, String expected) {
    this.names = names;
    this.expected = expected;
  }

  @Override
  public T convert(String text) {
    return names
        .apply(text)
        .orElseThrow(
            () -> new TypeConversionException("expected " + expected + ", but was '" + text + "'"));
  }
}
