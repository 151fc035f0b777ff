package dev.banyan.graph.adapter;

class MissTest extends AdapterMethodContract {
  @Override
  LayerMethod method() {
    return new Miss();
  }
}
