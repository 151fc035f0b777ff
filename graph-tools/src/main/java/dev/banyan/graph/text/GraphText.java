package dev.banyan.graph.text;

import dev.banyan.graph.GraphFailure.MalformedText;
import dev.banyan.graph.ir.Model;

/**
 * Prints a model as text and reads it back.
 *
 * <pre>
 * &lt;ir_version: 8, opset_import: ["": 17]&gt;
 * linear (float[batch, 3] x) =&gt; (float[batch, 2] y)
 * &lt;float[3, 2] w = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, float[512] big = {...}&gt;
 * {
 *   [first] float[batch, 2] h = MatMul(x, w)
 *   y = com.microsoft.Gelu(h)
 *   n = Softmax&lt;axis = -1&gt;(y) {"note" : "text"}
 * }
 * </pre>
 *
 * <p>A name that has other characters than letters, digits and {@code _ . / : -} stands in quotes,
 * as does the empty name of an input left out. Tensors of more than 16 elements are printed as
 * <code>{...}</code>; such a tensor is read back as zeros.
 */
public final class GraphText {
  private GraphText() {}

  /** The model as text. */
  public static String print(Model model) {
    return new GraphPrinter().print(model);
  }

  /**
   * Reads a model.
   *
   * @throws MalformedText if the text does not follow the grammar; the message names the line
   */
  public static Model parse(String text) {
    return new GraphParser(new Tokens(text)).model();
  }
}
