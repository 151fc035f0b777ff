package dev.banyan.server.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@NullMarked
class SummaryTest {
  @Test
  void everyPromisedFigureHasItsKey(@TempDir Path folder) throws IOException {
    Tenant tenant = Tenant.all().getFirst();
    Summary.Trained trained =
        new Summary.Trained(
            tenant,
            List.of("a", "b"),
            new Summary.Judged(0.5, 0.75, 0.7),
            100,
            10,
            1.5,
            1000,
            "sha256:00");
    Summary.Serving serving = new Summary.Serving(300, 0, 12.5, 40.25, 6.5, 3);
    new Summary(List.of(), List.of(trained), serving, 99.5).write(folder.resolve("summary.json"));

    JsonNode json = new ObjectMapper().readTree(folder.resolve("summary.json").toFile());
    JsonNode first = json.path("tenants").path(0);
    assertThat(first.path("name").asText()).isEqualTo(tenant.name());
    assertThat(first.path("baseline_accuracy").asDouble()).isEqualTo(0.5);
    assertThat(first.path("accuracy").asDouble()).isEqualTo(0.75);
    assertThat(first.path("macro_f1").asDouble()).isEqualTo(0.7);
    assertThat(first.path("labels")).hasSize(2);
    assertThat(json.path("serving").path("p50_ms").asDouble()).isEqualTo(12.5);
    assertThat(json.path("serving").path("p99_ms").asDouble()).isEqualTo(40.25);
    assertThat(json.path("serving").path("failed").asInt(-1)).isZero();
    assertThat(json.path("serving").path("mean_batch_rows").asDouble()).isEqualTo(6.5);
    assertThat(json.path("seconds").asDouble()).isEqualTo(99.5);
    assertThat(json.path("peak_rss_mib").asLong()).isPositive();
  }

  @Test
  void aQuantileIsAValueThatOccurred() {
    double[] sorted = {1, 2, 3, 4};

    assertThat(Serving.quantile(sorted, 0.5)).isEqualTo(2);
    assertThat(Serving.quantile(sorted, 0.99)).isEqualTo(4);
    assertThat(Serving.quantile(sorted, 0)).isEqualTo(1);
  }

  @Test
  void noTwoTenantsShareTheirLabelsRankAndTargets() {
    List<Tenant> tenants = Tenant.all();

    assertThat(tenants).hasSize(3).extracting(Tenant::rank).doesNotHaveDuplicates();
    assertThat(tenants).extracting(Tenant::targets).contains(Tenant.Targets.values());
  }
}
