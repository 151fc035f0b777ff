package dev.banyan.server.adapter;

/**
 * Everything that can answer a request.
 *
 * @param registry the adapters
 * @param mixtures several of them by weight
 */
public record ServedAdapters(AdapterRegistry registry, Mixtures mixtures) {
  /**
   * The version that answers now, put into a slot if it is in none.
   *
   * @throws dev.banyan.server.problem.ServerProblem if there is none, or no slot for it
   */
  public Lease acquire(AdapterChoice choice) {
    return switch (choice) {
      case AdapterName name -> registry.acquire(name);
      case Mixture mixture -> mixtures.acquire(mixture);
    };
  }
}
