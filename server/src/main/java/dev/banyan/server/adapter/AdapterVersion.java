package dev.banyan.server.adapter;

import dev.banyan.artifacts.integrity.Digest;
import java.nio.file.Path;

/**
 * The version of an adapter that answers.
 *
 * @param name the adapter
 * @param directory where it was loaded from
 * @param digest its identity
 */
public record AdapterVersion(AdapterName name, Path directory, Digest digest) {}
