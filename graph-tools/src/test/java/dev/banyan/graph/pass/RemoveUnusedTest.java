package dev.banyan.graph.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.graph.ir.Model;
import dev.banyan.graph.text.GraphText;
import org.junit.jupiter.api.Test;

class RemoveUnusedTest {
  @Test
  void whatNoOutputNeedsGoesAndInputsStay() {
    Model model =
        GraphText.parse(
            """
            <ir_version: 8, opset_import: ["": 17]>
            g (float[2] x, float[2] ignored) => (float[2] y)
            <float[1] used = {1.0},
             float[1] lost = {2.0}>
            {
              dead = Mul(x, lost)
              deader = Relu(dead)
              y = Add(x, used)
            }
            """);
    RemoveUnused.from(model.graph());
    assertThat(GraphText.print(model))
        .isEqualTo(
            """
            <ir_version: 8, opset_import: ["": 17]>
            g (float[2] x, float[2] ignored) => (float[2] y)
            <float[1] used = {1.0}>
            {
              y = Add(x, used)
            }
            """);
  }

  @Test
  void whatSubgraphsReadStays() {
    String text =
        """
        <ir_version: 8, opset_import: ["": 17]>
        g (float[2] x, bool[] c) => (float[2] y)
        <float[1] weight = {1.0}>
        {
          read = Relu(x)
          y = If<then_branch = opaque[read, weight] "AAEC">(c)
        }
        """;
    Model model = GraphText.parse(text);
    RemoveUnused.from(model.graph());
    assertThat(GraphText.print(model)).isEqualTo(text);
  }

  @Test
  void constantThatIsAnOutputStays() {
    String text =
        """
        <ir_version: 8, opset_import: ["": 17]>
        g () => (float[1] k)
        <float[1] k = {1.0}>
        {
        }
        """;
    Model model = GraphText.parse(text);
    RemoveUnused.from(model.graph());
    assertThat(GraphText.print(model)).isEqualTo(text);
  }
}
