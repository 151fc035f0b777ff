package dev.banyan.graph.adapter;

class LohaTest extends AdapterMethodContract {
  @Override
  LayerMethod method() {
    return new Loha();
  }
}
