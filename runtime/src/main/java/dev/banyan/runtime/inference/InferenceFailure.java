package dev.banyan.runtime.inference;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.runtime.RuntimeFailure;
import java.util.List;
import java.util.stream.Stream;

/** A model that cannot be served as asked. */
public abstract sealed class InferenceFailure extends RuntimeFailure {
  private static final long serialVersionUID = 1;

  private InferenceFailure(String message) {
    super(message, null);
  }

  /** One parameter's bank would be beyond what ORT's Java API can address. */
  public static final class BankTooLarge extends InferenceFailure {
    private static final long serialVersionUID = 1;

    BankTooLarge(ParameterSpec spec, long bytes, ServingPlan plan) {
      super(
          "The bank of '%s' has %d MiB, more than the 2047 MiB of one tensor; lower %s"
              .formatted(spec.name(), bytes >> 20, String.join(" or ", flags(spec, plan))));
    }

    /** The flags that its size comes from, with what they are. */
    private static List<String> flags(ParameterSpec spec, ServingPlan plan) {
      String copies =
          spec.isShared()
              ? "--projections (%d)".formatted(plan.projections())
              : "--slots (%d)".formatted(plan.slots());
      return Stream.concat(
              Stream.of(copies),
              spec.dims().stream()
                  .flatMap(dim -> Size.of(dim).stream())
                  .map(size -> "--max-%s (%d)".formatted(size.text(), plan.room().of(size))))
          .distinct()
          .toList();
    }
  }

  /** The banks of all parameters together are larger than the machine's memory. */
  public static final class BanksTooLarge extends InferenceFailure {
    private static final long serialVersionUID = 1;

    BanksTooLarge(long slot, long machine, ServingPlan plan) {
      super(
          "Each of %d slots, and that of the bare base, holds up to %d MiB; the machine has %d MiB, for what all adapters share too. Lower --slots; an adapter of --method full is as large as its base, and one that is merged ('banyan merge') needs no slot"
              .formatted(plan.slots(), slot >> 20, machine >> 20));
    }
  }

  /** What an adapter shares between its layers finds no room beside what others have. */
  public static final class NoFreeSet extends InferenceFailure {
    private static final long serialVersionUID = 1;

    NoFreeSet(String parameters, int sets) {
      super(
          "Its %s are others than those of the adapters in memory, which have %d different ones; try again, start the server with --projections %d, or train with the projection_prng_key of the others"
              .formatted(parameters, sets, sets + 1));
    }
  }

  /** The serving graph of a bundle does not have what its manifest says. */
  public static final class GraphMismatch extends InferenceFailure {
    private static final long serialVersionUID = 1;

    GraphMismatch(String message) {
      super(message);
    }
  }
}
