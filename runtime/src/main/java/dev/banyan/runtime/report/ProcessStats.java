package dev.banyan.runtime.report;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/** Figures of this process, measured by the operating system where it tells. */
public final class ProcessStats {
  private static final Path STATUS = Path.of("/proc/self/status");

  private ProcessStats() {}

  /**
   * The most memory this process ever held, in MiB: the peak resident set where {@code /proc} tells
   * it, else what the Java heap and its companions hold now, without native memory.
   */
  public static long peakRssMib() {
    try {
      if (Files.isReadable(STATUS)) {
        return parsePeak(Files.readString(STATUS));
      }
    } catch (IOException e) {
      // Fall through: a figure that is only shown must not end a run.
    }
    var memory = ManagementFactory.getMemoryMXBean();
    return (memory.getHeapMemoryUsage().getCommitted()
            + memory.getNonHeapMemoryUsage().getCommitted())
        >> 20;
  }

  /** The {@code VmHWM} line, which is in kB. */
  static long parsePeak(String status) {
    return status
        .lines()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) >> 10)
        .findFirst()
        .orElse(0);
  }

  /** The memory of the machine, or of the container that this process runs in. */
  public static long memoryBytes() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
        ? system.getTotalMemorySize()
        : Long.MAX_VALUE;
  }

  /** Seconds since this process was started, the start of the Java machine included. */
  public static double secondsSinceStart() {
    Instant start =
        ProcessHandle.current()
            .info()
            .startInstant()
            .orElseGet(
                () -> Instant.ofEpochMilli(ManagementFactory.getRuntimeMXBean().getStartTime()));
    return Duration.between(start, Instant.now()).toNanos() / 1e9;
  }
}
