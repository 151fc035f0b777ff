package dev.banyan.server.compare;

import dev.banyan.artifacts.bundle.MethodName;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How a method is usually trained: what the fewer parameters learn, they have to learn in larger
 * steps. The rates are the better of those tried on questions by topic ({@code docs/methods.md}).
 *
 * @param learningRate the rate of AdamW
 * @param flags of {@code banyan train}
 */
record TypicalRun(double learningRate, List<String> flags) {
  /** Copies the list. */
  TypicalRun {
    flags = List.copyOf(flags);
  }

  /** One row a method. */
  static TypicalRun of(MethodName method) {
    return switch (method) {
      case LORA, DORA, PISSA, OLORA -> new TypicalRun(3e-3, List.of("--rank=8", "--alpha=16"));
      case LORA_FA, LOHA, LOKR -> new TypicalRun(1e-2, List.of("--rank=8", "--alpha=16"));
      case MISS -> new TypicalRun(3e-3, List.of("--rank=16"));
      case VERA -> new TypicalRun(3e-2, List.of("--vera-rank=256"));
      case SPARSE -> new TypicalRun(1e-2, List.of("--keep=0.005"));
      case IA3 -> new TypicalRun(1e-2, List.of());
      case PROMPT -> new TypicalRun(3e-2, List.of("--virtual-tokens=20"));
      case PREFIX -> new TypicalRun(1e-2, List.of("--virtual-tokens=20"));
      case BITFIT -> new TypicalRun(6e-3, List.of());
      case NORMS -> new TypicalRun(1e-2, List.of());
      case BOTTLENECK -> new TypicalRun(3e-3, List.of("--bottleneck=48"));
      case LAST_LAYERS -> new TypicalRun(1e-3, List.of());
      case FULL -> new TypicalRun(3e-4, List.of());
      case HEAD -> new TypicalRun(3e-2, List.of());
    };
  }

  /**
   * The run of several methods in one adapter: the smallest rate, and all flags; of a flag that two
   * have, such as a rank, that of the first.
   */
  static TypicalRun of(List<MethodName> methods) {
    double rate = Double.POSITIVE_INFINITY;
    Map<String, String> flags = new LinkedHashMap<>();
    for (MethodName method : methods) {
      TypicalRun own = of(method);
      rate = Math.min(rate, own.learningRate());
      own.flags().forEach(flag -> flags.putIfAbsent(flag.substring(0, flag.indexOf('=')), flag));
    }
    return new TypicalRun(rate, List.copyOf(flags.values()));
  }
}
