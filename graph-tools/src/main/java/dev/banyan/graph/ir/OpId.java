package dev.banyan.graph.ir;

/**
 * Which operator a node runs.
 *
 * @param domain the operator set's domain; empty for ONNX itself
 * @param type the operator's name, for instance {@code MatMul}
 */
public record OpId(String domain, String type) {
  /** Domain of ONNX Runtime's own operators. */
  public static final String MICROSOFT = "com.microsoft";

  /** An operator of ONNX itself; {@code ai.onnx} is another spelling of the same domain. */
  public OpId {
    if (domain.equals("ai.onnx")) {
      domain = "";
    }
  }

  /** An operator of ONNX itself. */
  public static OpId onnx(String type) {
    return new OpId("", type);
  }

  /** An operator of ONNX Runtime. */
  public static OpId microsoft(String type) {
    return new OpId(MICROSOFT, type);
  }

  /** True if this is the ONNX operator of that name. */
  public boolean is(String onnxType) {
    return domain.isEmpty() && type.equals(onnxType);
  }

  @Override
  public String toString() {
    return domain.isEmpty() ? type : domain + "." + type;
  }
}
