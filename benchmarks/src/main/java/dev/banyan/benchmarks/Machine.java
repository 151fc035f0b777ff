package dev.banyan.benchmarks;

import dev.banyan.runtime.ort.OrtRuntime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** What a figure depends on beside the program. */
final class Machine {
  private static final Path CPU = Path.of("/proc/cpuinfo");

  private Machine() {}

  /** Processor, systems and versions; and how busy the machine is, by the load of a minute. */
  static String describe() {
    return "%d cores of %s, %s %s, JDK %s, ONNX Runtime %s; load average %.1f"
        .formatted(
            Runtime.getRuntime().availableProcessors(),
            cpu(),
            System.getProperty("os.name"),
            System.getProperty("os.arch"),
            Runtime.version().feature(),
            OrtRuntime.version(),
            ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
  }

  private static String cpu() {
    if (!Files.isReadable(CPU)) {
      return "unknown processor";
    }
    try {
      return Files.readString(CPU)
          .lines()
          .filter(line -> line.toLowerCase(Locale.ROOT).startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse("unknown processor");
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + CPU, e);
    }
  }
}
