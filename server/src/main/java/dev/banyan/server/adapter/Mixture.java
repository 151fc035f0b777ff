package dev.banyan.server.adapter;

import dev.banyan.artifacts.combine.HeadChoice;
import dev.banyan.server.problem.ServerProblem;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Several adapters on one request: what they add to the base is added up by weight.
 *
 * @param parts at least one, by name
 * @param head where its head is from; the number of an adapter is its place among the parts
 */
public record Mixture(List<Part> parts, HeadChoice head) implements AdapterChoice {
  /**
   * One of the adapters.
   *
   * @param adapter its name
   * @param weight how much it counts
   */
  public record Part(AdapterName adapter, double weight) {
    @Override
    public String toString() {
      return adapter + "*" + weight;
    }
  }

  /** Copies the list. */
  public Mixture {
    parts = List.copyOf(parts);
    if (parts.isEmpty()) {
      throw new ServerProblem.BadRequest("No adapter is named.");
    }
  }

  /**
   * A mixture with the parts in order, so that it is the same in whatever order they were named.
   *
   * @param head {@code mean}, the name of one of the adapters, or empty for the mean if all have
   *     the same labels
   * @throws ServerProblem.BadRequest if an adapter is named twice, or the head is of none of them
   */
  public static Mixture of(List<Part> parts, String head) {
    List<Part> ordered = parts.stream().sorted(Comparator.comparing(Part::adapter)).toList();
    for (int i = 1; i < ordered.size(); i++) {
      if (ordered.get(i).adapter().equals(ordered.get(i - 1).adapter())) {
        throw new ServerProblem.BadRequest(
            "Adapter '%s' is named twice: expected once, with one weight."
                .formatted(ordered.get(i).adapter()));
      }
    }
    return new Mixture(ordered, choice(ordered, head));
  }

  private static HeadChoice choice(List<Part> ordered, String head) {
    if (head.isEmpty()) {
      return new HeadChoice.MeanOfKnown();
    }
    if (head.equals("mean")) {
      return new HeadChoice.Mean();
    }
    for (int i = 0; i < ordered.size(); i++) {
      if (ordered.get(i).adapter().toString().equals(head)) {
        return new HeadChoice.Of(i);
      }
    }
    throw new ServerProblem.BadRequest(
        "'head' is '%s': expected 'mean' or the id of one of the adapters.".formatted(head));
  }

  @Override
  public String tenant() {
    return parts.getFirst().adapter().tenant();
  }

  @Override
  public String lane() {
    return toString();
  }

  /** For instance {@code acme/billing*0.7 + acme/returns*0.3}. */
  @Override
  public String toString() {
    String sum = parts.stream().map(Part::toString).collect(Collectors.joining(" + "));
    return switch (head) {
      case HeadChoice.MeanOfKnown() -> sum;
      case HeadChoice.Mean() -> sum + ", head mean";
      case HeadChoice.Of(int part) -> sum + ", head " + parts.get(part).adapter();
    };
  }
}
