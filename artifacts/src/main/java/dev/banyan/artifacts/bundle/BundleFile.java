package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.integrity.Digest;

/**
 * What the manifest knows of one file: the size is checked at every opening, the digest on request.
 *
 * @param digest of the contents
 * @param bytes size
 */
public record BundleFile(Digest digest, long bytes) {}
