package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.adapter.OwnConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.adapter.Bottleneck.Kind;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.site.PathMatch;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteDiscovery;
import dev.banyan.graph.site.TargetSelector;
import dev.banyan.graph.types.TypeOf;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.ServingPlan;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BottleneckTest {
  @Nested
  class WithRelu extends AdapterMethodContract {
    @Override
    LayerMethod method() {
      return new Bottleneck(Kind.PFEIFFER, Activation.RELU);
    }
  }

  @Nested
  class WithGelu extends AdapterMethodContract {
    @Override
    LayerMethod method() {
      return new Bottleneck(Kind.HOULSBY, Activation.GELU);
    }
  }

  @Nested
  class WithSilu extends AdapterMethodContract {
    @Override
    LayerMethod method() {
      return new Bottleneck(Kind.HOULSBY, Activation.SILU);
    }
  }

  @Nested
  class RunOfHoulsby extends MethodRunContract {
    @Override
    String method() {
      return "bottleneck";
    }

    @Override
    boolean mergeable() {
      return false;
    }
  }

  @Nested
  class RunOfParallel extends MethodRunContract {
    @Override
    String method() {
      return "bottleneck:kind=parallel;activation=gelu;scaling=2.5;layers=1";
    }

    @Override
    boolean mergeable() {
      return false;
    }

    @Test
    void itsFileSaysAllThatChangesAnswers() throws IOException {
      PeftAdapter adapter = PeftAdapter.read(trained("adapter"));
      assertThat(adapter.config()).isInstanceOf(OwnConfig.class);
      assertThat(((OwnConfig) adapter.config()).own().getFirst().settings())
          .isEqualTo(
              Map.of(
                  "kind", "parallel", "activation", "gelu", "scaling", "2.5", "bottleneck", "48"));
      assertThat(adapter.weights().tensors().keySet())
          .contains("base_model.model.bert.encoder.layer.1.output.dense.adapter_up.bias")
          .hasSize(6);
      for (String other : List.of("bottleneck:kind=parallel", "bottleneck:activation=gelu")) {
        Bundle bundle = prepared(other, "other");
        assertThatThrownBy(() -> AdapterWeights.fit(adapter, bundle, ServingPlan.defaults()))
            .isInstanceOf(UnusableArtifact.class)
            .hasMessageMatching("(?s).*bottleneck.*(relu|houlsby).*--method bottleneck:.*");
      }
    }
  }

  @Test
  void anAdapterBehindFeedForwardAloneIsServedWhereTheOthersAreToo(@TempDir Path folder) {
    PeftAdapter adapter = PeftAdapter.read(Fixtures.peftMethod("bottleneck_pfeiffer"));
    Recorded recorded = new Recorded("bottleneck_pfeiffer", false, "bottleneck:activation=relu");
    Bundle bundle = recorded.prepare(Emission.PLAIN, folder.resolve("bundle"));
    AdapterWeights weights = AdapterWeights.fit(adapter, bundle, ServingPlan.defaults());
    assertThat(bundle.manifest().adapter().sites()).hasSize(4);
    assertThat(weights.tensors()).hasSize(10);
  }

  @ParameterizedTest
  @CsvSource({
    "bert_opset14, output.dense",
    "distilbert_dynamo18, ffn.lin2",
    "mpnet_opset17, output.dense",
    "families/deberta_opset14, output.dense",
    "families/t5_opset15, DenseReluDense.wo",
    "families/llama_opset14, mlp.down_proj",
    "families/gpt2_opset16, mlp.c_proj"
  })
  void blocksAreFoundByTheNamesOfTheirArchitecture(String name, String last, @TempDir Path folder) {
    Model model = Fixtures.simplified(Fixtures.export(name), folder);
    TypeOf.annotate(model);
    List<Site> all = SiteDiscovery.of(model);
    List<Site> blocks = new TargetSelector(PathMatch.BLOCK_OUTPUTS).select(all);
    List<Site> feedForward = new TargetSelector(PathMatch.FEED_FORWARD_OUTPUTS).select(all);
    assertThat(blocks).hasSize(4).containsAll(feedForward);
    assertThat(feedForward).hasSize(2).allMatch(site -> site.path().endsWith(last));
    for (Site site : feedForward) {
      // As wide as what the block gives, and not as what is inside it.
      assertThat(FeedForwardInput.of(site).knownType().dim(-1))
          .isEqualTo(Dim.of(site.outFeatures()));
    }
  }

  @Test
  void unknownSettingsAreRefused() {
    SiteChoice none = SiteChoice.of("");
    for (String text :
        List.of(
            "bottleneck:kind=both",
            "bottleneck:activation=tanh",
            "bottleneck:scaling=-1",
            "bottleneck:width=3")) {
      assertThatThrownBy(() -> MethodChoice.parse(text, none))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("method bottleneck has");
    }
  }
}
