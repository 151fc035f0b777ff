package dev.banyan.graph.site;

import dev.banyan.graph.GraphFailure.NoSuchSite;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A choice of layer numbers such as {@code 2-5}, {@code 3} or {@code 0,2,4-5}. */
public final class Layers {
  private static final Pattern RANGE = Pattern.compile("(\\d{1,6})(?:-(\\d{1,6}))?");

  /** The first number that stands alone in a path: {@code encoder.layer.0.attention}. */
  private static final Pattern NUMBER =
      Pattern.compile("(?:^|[.])(?:layers?_)?(\\d{1,6})(?=[.]|$)");

  private record Range(int first, int last) {}

  private final List<Range> ranges = new ArrayList<>();

  private Layers() {}

  /**
   * Reads a choice.
   *
   * @throws NoSuchSite if it is none
   */
  static Layers parse(String text) {
    Layers layers = new Layers();
    for (String part : text.split(",", -1)) {
      Matcher range = RANGE.matcher(part.strip());
      if (!range.matches()) {
        throw new NoSuchSite(
            "Layers '%s' cannot be read; write numbers and ranges, such as 3 or 0,2,4-5"
                .formatted(text));
      }
      int first = Integer.parseInt(range.group(1));
      int last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
      if (last < first) {
        throw new NoSuchSite(
            "Layers '%s' cannot be read: the range %s ends before it starts"
                .formatted(text, part.strip()));
      }
      layers.ranges.add(new Range(first, last));
    }
    return layers;
  }

  /** True if the path has a layer number and it is chosen. */
  boolean contain(String path) {
    OptionalInt layer = of(path);
    return layer.isPresent()
        && ranges.stream()
            .anyMatch(r -> r.first() <= layer.getAsInt() && layer.getAsInt() <= r.last());
  }

  /** The number of the layer that a module lies in. */
  public static OptionalInt of(String path) {
    Matcher number = NUMBER.matcher(path);
    return number.find() ? OptionalInt.of(Integer.parseInt(number.group(1))) : OptionalInt.empty();
  }
}
