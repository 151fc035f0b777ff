package dev.banyan.server.adapter;

import java.util.List;

/** Makes one adapter of several: the model as the mixtures see it. */
public interface MixtureSource {
  /**
   * Reads the adapters and makes one of them; nothing is activated. Called by any thread.
   *
   * @param versions those of the mixture's parts, in their order
   * @throws RuntimeException if they do not go together, or are on disk no more; the message says
   *     why, for the client
   */
  AdapterSource.Prepared mix(Mixture mixture, List<AdapterVersion> versions);
}
