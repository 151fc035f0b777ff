package dev.banyan.graph.lowering;

import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import java.util.List;

/**
 * Rewrites one fused operator, or a close family of them, to operators that can be differentiated
 * and whose linear layers can be found.
 *
 * <table>
 * <caption>What a rule does with a node of its operators</caption>
 * <tr><td>{@link #fits} is false</td><td>the node is none of its business and stays</td></tr>
 * <tr><td>{@link #rewrite} returns</td><td>every output that is used has been given a successor</td>
 * </tr>
 * <tr><td>{@link #rewrite} throws what {@link LoweringContext#refuse} made</td><td>the node has a
 *     setting that the rule does not do; the message names node and setting</td></tr>
 * </table>
 */
public interface LoweringRule {
  /** The operators that the rule takes. */
  List<OpId> operators();

  /** True if a node of one of these operators is to be rewritten. */
  default boolean fits(Node node) {
    return true;
  }

  /**
   * Adds the nodes that do the same and says which of their values take the place of the outputs.
   *
   * @throws dev.banyan.graph.GraphFailure.UnsupportedSetting if the node has a setting that the
   *     rule does not do
   */
  void rewrite(LoweringContext c);
}
