package dev.banyan.server.adapter;

/** What a request wants besides the bare base: one adapter, or several by weight. */
public sealed interface AdapterChoice permits AdapterName, Mixture {
  /** Whose requests these are. */
  String tenant();

  /** What these requests are within the tenant's, so that its turns are shared among them. */
  String lane();
}
