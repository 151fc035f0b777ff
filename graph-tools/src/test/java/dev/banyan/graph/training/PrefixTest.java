package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrefixTest extends ModelMethodContract {
  @Override
  String method() {
    return "prefix";
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "prefix:init=vocabulary  | expected random or small",
        "prefix:projection=true  | it has targets, exclude, layers, init",
      })
  void settingsThatAreNoneAreRefused(String method, String message) {
    assertThatThrownBy(() -> MethodChoice.parse(method, SiteChoice.of("")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
