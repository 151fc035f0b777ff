package dev.banyan.graph.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.graph.ir.Model;
import dev.banyan.graph.text.GraphText;
import org.junit.jupiter.api.Test;

class EliminateIdentityTest {
  @Test
  void chainsGoAndNamesOfOutputsAndOfSubgraphsStay() {
    Model model =
        GraphText.parse(
            """
            <ir_version: 8, opset_import: ["": 17]>
            g (float[2] x, bool[] c) => (float[2] y, z)
            <float[2] w = {1.0, 2.0}>
            {
              a = Identity(w)
              b = Identity(a)
              sum = Add(x, b)
              y = Identity(sum)
              read = Identity(x)
              z = If<then_branch = opaque[read] "AAEC">(c)
            }
            """);
    EliminateIdentity.from(model.graph());
    assertThat(GraphText.print(model))
        .isEqualTo(
            """
            <ir_version: 8, opset_import: ["": 17]>
            g (float[2] x, bool[] c) => (float[2] y, z)
            <float[2] w = {1.0, 2.0}>
            {
              sum = Add(x, w)
              y = Identity(sum)
              read = Identity(x)
              z = If<then_branch = opaque[read] "AAEC">(c)
            }
            """);
  }
}
