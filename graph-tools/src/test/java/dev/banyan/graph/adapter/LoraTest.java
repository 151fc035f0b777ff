package dev.banyan.graph.adapter;

class LoraTest extends AdapterMethodContract {
  @Override
  AdapterMethod method() {
    return new Lora();
  }
}
