package dev.banyan.runtime.ort;

/** Where a session computes. */
public sealed interface Device {
  /** The processor; always there. */
  record Cpu() implements Device {
    @Override
    public String toString() {
      return "cpu";
    }
  }

  /**
   * An NVIDIA GPU.
   *
   * @param index the GPU's number, from 0
   */
  record Cuda(int index) implements Device {
    @Override
    public String toString() {
      return "cuda:" + index;
    }
  }

  /**
   * Reads a device as users write it.
   *
   * @param text {@code cpu}, {@code cuda} (the first GPU) or {@code cuda:<number>}
   * @throws IllegalArgumentException if it is none of these
   */
  static Device parse(String text) {
    if (text.equals("cpu")) {
      return new Cpu();
    }
    if (text.equals("cuda")) {
      return new Cuda(0);
    }
    if (text.matches("cuda:\\d{1,3}")) {
      return new Cuda(Integer.parseInt(text.substring("cuda:".length())));
    }
    throw new IllegalArgumentException(
        "'%s' is not a device; expected cpu, cuda or cuda:<number>".formatted(text));
  }
}
