package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.MethodName;

class OloraTest extends AdapterMethodContract {
  @Override
  LayerMethod method() {
    return new LoraFromBase(MethodName.OLORA);
  }
}
