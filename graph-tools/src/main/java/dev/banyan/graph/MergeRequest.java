package dev.banyan.graph;

import java.nio.file.Path;

/**
 * Which adapter to merge into which base.
 *
 * @param bundle the prepared base
 * @param adapter the adapter's folder, by Banyan or PEFT
 * @param out the model file to write; one that is there is replaced
 * @param externalData true to put the weights into {@code <out>.data} beside the model even if they
 *     fit into it
 */
public record MergeRequest(Path bundle, Path adapter, Path out, boolean externalData) {}
