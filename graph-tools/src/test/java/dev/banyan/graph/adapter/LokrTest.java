package dev.banyan.graph.adapter;

import org.junit.jupiter.api.Nested;

class LokrTest {
  @Nested
  class OfOneProduct extends AdapterMethodContract {
    @Override
    LayerMethod method() {
      return new Lokr(false, -1);
    }
  }

  @Nested
  class OfTwoProducts extends AdapterMethodContract {
    @Override
    LayerMethod method() {
      return new Lokr(true, 3);
    }
  }
}
