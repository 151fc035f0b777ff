package dev.banyan.graph.training;

class PrefixTest extends ModelMethodContract {
  @Override
  String method() {
    return "prefix";
  }
}
