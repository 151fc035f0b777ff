package dev.banyan.graph.adapter;

import dev.banyan.graph.site.PathMatch;
import java.util.Optional;
import org.junit.jupiter.api.Nested;

class Ia3Test {
  @Nested
  class OfOutputs extends AdapterMethodContract {
    @Override
    LayerMethod method() {
      return new Ia3(Optional.empty());
    }
  }

  @Nested
  class OfInputs extends AdapterMethodContract {
    @Override
    LayerMethod method() {
      return new Ia3(Optional.of(PathMatch.parse("dense")));
    }
  }
}
