package dev.banyan.graph.adapter;

import org.junit.jupiter.api.Nested;

/** Each method that trains weights of the base, held to their contract. */
class WeightMethodsTest {
  @Nested
  class BiasesOnly extends WeightMethodContract {
    @Override
    String method() {
      return "bitfit";
    }

    @Override
    boolean trains(String name) {
      return name.endsWith(".bias");
    }
  }

  @Nested
  class BiasesOfSomeModules extends WeightMethodContract {
    @Override
    String method() {
      return "bitfit:targets=query,intermediate.dense;layers=1";
    }

    @Override
    double rate() {
      return 0.1;
    }

    @Override
    boolean trains(String name) {
      return name.matches(".*layer.1.*(query|intermediate.dense).bias");
    }
  }

  @Nested
  class NormalizationsOnly extends WeightMethodContract {
    @Override
    String method() {
      return "norms";
    }

    @Override
    boolean trains(String name) {
      return name.contains("LayerNorm");
    }
  }

  @Nested
  class TheLastLayer extends WeightMethodContract {
    @Override
    String method() {
      return "last-layers:n=1";
    }

    @Override
    boolean trains(String name) {
      return name.contains("layer.1.") || name.startsWith("pooler.");
    }
  }

  @Nested
  class TheHeadOnly extends WeightMethodContract {
    @Override
    String method() {
      return "head";
    }

    @Override
    double rate() {
      return 0.1;
    }

    @Override
    boolean trains(String name) {
      return false;
    }
  }

  @Nested
  class EveryWeight extends WeightMethodContract {
    @Override
    String method() {
      return "full";
    }

    @Override
    boolean trains(String name) {
      return true;
    }
  }
}
