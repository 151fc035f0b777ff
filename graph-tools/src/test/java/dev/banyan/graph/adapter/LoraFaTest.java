package dev.banyan.graph.adapter;

class LoraFaTest extends AdapterMethodContract {
  @Override
  LayerMethod method() {
    return new LoraFa();
  }
}
