package dev.banyan.graph.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.bundle.LayerPart;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphFailure.NoSuchSite;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.text.GraphText;
import dev.banyan.graph.types.TypeOf;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Places beside linear layers, which are adapted where they are named. */
class NamedPlacesTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2, 2, 3, 3 | kernel_shape = ints[3, 3], dilations = ints[2, 2] | gaps",
        "2, 1, 3, 3 | group = 2, kernel_shape = ints[3, 3] | 2 groups"
      })
  void convolutionThatCannotBeAdaptedIsRefusedByName(
      String shape, String attributes, String reason) {
    long elements =
        Arrays.stream(shape.split(", ")).mapToLong(Long::parseLong).reduce(1, (a, b) -> a * b);
    String values = String.join(", ", Collections.nCopies((int) elements, "1.0"));
    Model model =
        GraphText.parse(
            """
            <ir_version: 8, opset_import: ["": 17]>
            g (float[batch, 2, 8, 8] x) => (float[batch, 2, ?, ?] y)
            <float[%s] w = {%s}>
            {
              [/stem/conv/Conv] float[batch, 2, ?, ?] y = Conv<%s>(x, w)
            }
            """
                .formatted(shape, values, attributes));
    SiteDiscovery.Found found = SiteDiscovery.inspect(model);
    assertThat(found.all()).isEmpty();
    assertThatThrownBy(() -> new TargetSelector("conv").select(found))
        .isInstanceOf(NoSuchSite.class)
        .hasMessageContaining("stem.conv")
        .hasMessageContaining(reason);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2_opset16", "gpt2_dynamo19"})
  void queryKeyAndValueOfAPackedLayerAreSitesThatAreToBeNamed(String name) {
    Model model = TypeOf.annotate(Fixtures.simplified(Fixtures.family(name), folder));
    SiteDiscovery.Found found = SiteDiscovery.inspect(model);
    List<Site> chosen = new TargetSelector("c_attn.q,c_attn.v").select(found);
    assertThat(chosen)
        .extracting(Site::path)
        .containsExactly(
            "transformer.h.0.attn.c_attn.q",
            "transformer.h.0.attn.c_attn.v",
            "transformer.h.1.attn.c_attn.q",
            "transformer.h.1.attn.c_attn.v");
    assertThat(chosen.get(1).kind())
        .isEqualTo(new SiteKind.Part(new LayerPart("transformer.h.0.attn.c_attn", 32, 16, 48)));
    assertThat(new TargetSelector(".*attn.c_attn.*").select(found)).allMatch(Site::isLinear);
    assertThat(new TargetSelector("all-linear").select(found)).allMatch(Site::isLinear);
    assertThatThrownBy(() -> new TargetSelector("c_proj.q").select(found))
        .isInstanceOf(NoSuchSite.class)
        .hasMessageContaining("three equal parts");
    assertThatThrownBy(
            () ->
                new TargetSelector("c_attn", Optional.of("c_attn.k"), Optional.empty())
                    .select(found))
        .isInstanceOf(NoSuchSite.class)
        .hasMessageContaining("cannot be left out of a layer that is adapted as a whole");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "float[b, 4, 3, 2, 1] y = Reshape(own, threes) | 3",
        "float[b, 4, 2, 3, 1] y = Reshape(own, heads) | 0",
        "float[b, 4, 2] y = Slice(own, two, four, two) | 0",
        "float[b, 4, 1] p, float[b, 4, 3] q, float[b, 4, 2] r = Split<axis = 2>(own, sizes) y = Neg(p) | 0"
      })
  void onlyPartsThatLieTogetherAreFound(String reader, int parts) {
    Model model =
        GraphText.parse(
            """
            <ir_version: 8, opset_import: ["": 17]>
            g (float[b, 4, 2] x) => (y)
            <float[2, 6] w = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0},
             int64[5] threes = {-1, 4, 3, 2, 1}, int64[5] heads = {-1, 4, 2, 3, 1},
             int64[1] two = {2}, int64[1] four = {4}, int64[3] sizes = {1, 3, 2}>
            {
              [/a/qkv/MatMul] float[b, 4, 6] own = MatMul(x, w)
              %s
            }
            """
                .formatted(reader));
    assertThat(SiteDiscovery.inspect(model).others()).hasSize(parts);
  }
}
