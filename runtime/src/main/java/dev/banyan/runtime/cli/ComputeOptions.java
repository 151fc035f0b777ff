package dev.banyan.runtime.cli;

import dev.banyan.runtime.ort.Device;
import dev.banyan.runtime.ort.SessionSettings;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Where to compute: the flags that every command over a model shares. */
public final class ComputeOptions {
  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "cpu",
      converter = DeviceConverter.class,
      description = "Where to compute: cpu, cuda or cuda:<number> (default: ${DEFAULT-VALUE}).")
  private Device device = new Device.Cpu();

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads inside an operator; 0 is one per core (default: ${DEFAULT-VALUE}).")
  private int threads;

  /** Default flags; picocli sets the others. */
  public ComputeOptions() {}

  /**
   * The settings of a session.
   *
   * @throws IllegalArgumentException if the number of threads is negative
   */
  public SessionSettings settings() {
    return SessionSettings.defaults().on(device).withThreads(threads);
  }

  static final class DeviceConverter implements ITypeConverter<Device> {
    @Override
    public Device convert(String value) {
      try {
        return Device.parse(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }
}
