package dev.banyan.graph.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GoldenFile;
import dev.banyan.graph.GraphFailure.MalformedText;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class GraphTextTest {
  private static final String EVERYTHING =
      """
      <ir_version: 8, opset_import: ["": 17, "com.microsoft": 1], metadata_props: ["by": "a \\"test\\""]>
      everything (float[batch, 3] x, int64[?, "two words"] ids) => (float[batch, 2] y, z)
      <float[3, 2] onnx::MatMul_7 = {1.0, -2.5, 3.0E-5, NaN, Infinity, -Infinity},
       int64[1] "banyan/longs[-1]" = {-1},
       bool[] yes = {1},
       float16[2] half = {0.5, 65504.0},
       int4[3] nibbles = {-8, 7, -1},
       uint4[3] "unsigned nibbles" = {15, 0, 9},
       float[17] many = {...}>
      {
        [/encoder/MatMul] float[batch, 2] h = MatMul(x, onnx::MatMul_7)
        y = com.microsoft.Gelu(h) {"scopes": "['', 'encoder']"}
        a, "", int64[] c = Odd<alpha = 0.5, axis = -1, mode = "x", names = strings["p", "q"], none = ints[], pads = ints[0, 1], scales = floats[1.0, 2.0], value = int64[2] t {4, 5}>(y, "", yes)
        z = If<then_branch = opaque[h] "AAEC">(yes)
      }
      """;

  @TempDir Path folder;

  static List<Path> exports() throws IOException {
    return Fixtures.exports();
  }

  @Test
  void everyConstructSurvivesBothWays() {
    assertThat(GraphText.print(GraphText.parse(EVERYTHING))).isEqualTo(EVERYTHING);
  }

  @Test
  void attributesAreReadByTheirForm() {
    Node node = GraphText.parse(EVERYTHING).graph().value("a").producer().orElseThrow();
    assertThat(node.attribute("alpha")).contains(Attribute.of(0.5f));
    assertThat(node.attribute("axis")).contains(Attribute.of(-1));
    assertThat(node.attribute("mode")).contains(Attribute.of("x"));
    assertThat(node.intsAttribute("pads")).contains(List.of(0L, 1L));
    assertThat(node.output(1).isNone()).isTrue();
    assertThat(node.input(1).isNone()).isTrue();
  }

  @ParameterizedTest
  @MethodSource("exports")
  void everyExportIsPrintedAndParsedBack(Path export) {
    String text = GraphText.print(OnnxReader.read(OnnxFile.read(export)));
    assertThat(GraphText.print(GraphText.parse(text))).isEqualTo(text);
  }

  @Test
  void simplifiedDistilBertIsWhatItWas() throws IOException {
    Model model = Fixtures.simplified(Fixtures.export("distilbert_opset14"), folder);
    GoldenFile.assertSame("distilbert_opset14-simplified", GraphText.print(model));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "y = Relu(x          | Line 4: expected ',', found '}'",
        "y = Relu x)         | Line 3: expected '(', found 'x'",
        "y = Cast<to = >(x)  | Line 3: expected a number, found '>'",
        "y = Relu(x) ^       | Line 3: cannot read '^'",
        "z = Relu(x)         | expected a node that makes 'y'"
      })
  void mistakesAreNamedWithTheirLine(String node, String message) {
    String text =
        "<ir_version: 8, opset_import: [\"\": 17]>\ng (float[2] x) => (float[2] y) {\n"
            + node
            + "\n}";
    assertThatThrownBy(() -> GraphText.parse(text))
        .isInstanceOf(MalformedText.class)
        .hasMessageContaining(message);
  }
}
