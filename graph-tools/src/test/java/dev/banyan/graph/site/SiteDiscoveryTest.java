package dev.banyan.graph.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphFailure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SiteDiscoveryTest {
  @TempDir Path folder;

  @Test
  void miniLmHasSixLinearLayersInEachOfItsLayers() throws IOException {
    List<Site> sites = SiteDiscovery.of(Fixtures.simplified(Fixtures.miniLm(folder), folder));

    assertThat(sites).hasSize(36);
    for (int layer = 0; layer < 6; layer++) {
      String prefix = "encoder.layer." + layer + ".";
      assertThat(sites)
          .extracting(Site::path)
          .contains(
              prefix + "attention.self.query",
              prefix + "attention.self.key",
              prefix + "attention.self.value",
              prefix + "attention.output.dense",
              prefix + "intermediate.dense",
              prefix + "output.dense");
    }
    assertThat(sites)
        .filteredOn(site -> site.path().endsWith("intermediate.dense"))
        .allSatisfy(
            site ->
                assertThat(List.of(site.inFeatures(), site.outFeatures()))
                    .containsExactly(384L, 1536L));
  }

  static List<Path> exports() throws IOException {
    return Fixtures.exports();
  }

  @ParameterizedTest
  @MethodSource("exports")
  void everyExporterTellsTheModulePaths(Path export) throws IOException {
    SiteDiscovery.Found found = SiteDiscovery.inspect(Fixtures.simplified(export, folder));

    assertThat(found.unusable()).isEmpty();
    assertThat(found.sites()).extracting(Site::path).doesNotHaveDuplicates();
    assertThat(found.sites().stream().map(Site::path).filter(path -> !path.startsWith("pooler")))
        .hasSize(12)
        .allMatch(path -> path.matches("(encoder|transformer)\\.layer\\.[01]\\.[a-z_0-9.]+"));
  }

  @Test
  void targetsAreNamesPatternsAndLayers() throws IOException {
    List<Site> sites = SiteDiscovery.of(Fixtures.simplified(Fixtures.miniLm(folder), folder));

    assertThat(new TargetSelector("query,value").select(sites)).hasSize(12);
    assertThat(new TargetSelector("output.dense").select(sites)).hasSize(12);
    assertThat(new TargetSelector("attention.output.dense").select(sites)).hasSize(6);
    assertThat(new TargetSelector("all-linear").select(sites)).hasSize(36);
    assertThat(new TargetSelector(".*layer\\.[0-2]\\..*(query|key)").select(sites)).hasSize(6);
    assertThat(
            new TargetSelector("all-linear", Optional.of("query,key"), Optional.of("2-3,5"))
                .select(sites))
        .hasSize(12)
        .allMatch(site -> site.path().matches("encoder\\.layer\\.[235]\\..*"));
  }

  @Test
  void aChoiceOfNothingSaysWhatThereIs() throws IOException {
    List<Site> sites = SiteDiscovery.of(Fixtures.simplified(Fixtures.miniLm(folder), folder));

    assertThatThrownBy(() -> new TargetSelector("q_proj").select(sites))
        .isInstanceOf(GraphFailure.NoSuchSite.class)
        .hasMessageContaining("q_proj")
        .hasMessageContaining("query, key, value, dense");
    assertThatThrownBy(
            () -> new TargetSelector("query", Optional.empty(), Optional.of("6-9")).select(sites))
        .isInstanceOf(GraphFailure.NoSuchSite.class)
        .hasMessageContaining("6-9");
    assertThatThrownBy(() -> new TargetSelector("query", Optional.empty(), Optional.of("5-2")))
        .isInstanceOf(GraphFailure.NoSuchSite.class)
        .hasMessageContaining("5-2");
    assertThatThrownBy(() -> new TargetSelector("(query"))
        .isInstanceOf(GraphFailure.NoSuchSite.class)
        .hasMessageContaining("(query");
  }
}
