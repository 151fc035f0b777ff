package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.integrity.Digest;

/**
 * The frozen model that a bundle was prepared from. Adapters refer to its digest, so bundles of one
 * base with different targets accept each other's adapters.
 *
 * @param digest of the source model file and its external data
 * @param frozenParameters number of frozen weights
 * @param hidden width of the embedding
 * @param name file name of the source model
 */
public record BaseInfo(Digest digest, long frozenParameters, int hidden, String name) {}
