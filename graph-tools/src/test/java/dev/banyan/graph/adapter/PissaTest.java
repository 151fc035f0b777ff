package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.MethodName;

class PissaTest extends AdapterMethodContract {
  @Override
  LayerMethod method() {
    return new LoraFromBase(MethodName.PISSA);
  }
}
