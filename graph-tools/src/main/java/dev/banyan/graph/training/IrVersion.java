package dev.banyan.graph.training;

/** Which version of the ONNX file format a graph needs. */
final class IrVersion {
  /** The last version that ONNX Runtime's last training package for Python (1.19.2) reads. */
  private static final int NEWEST = 10;

  /** The first version that has notes at nodes. */
  static final int WITH_NOTES = 10;

  private IrVersion() {}

  /**
   * The version that came with an operator set: files that say no more are read by the oldest
   * programs.
   *
   * @param opset version of ONNX's operator set
   */
  static int of(int opset) {
    if (opset <= 11) {
      return 6;
    }
    if (opset <= 14) {
      return 7;
    }
    if (opset <= 18) {
      return 8;
    }
    return opset <= 20 ? 9 : NEWEST;
  }
}
