package dev.banyan.graph.site;

/**
 * What looks like a linear layer, or is a convolution, and cannot carry an adapter.
 *
 * @param path the module's path
 * @param operator the operator at work there
 * @param reason why not, and what would help
 */
public record UnusableSite(String path, String operator, String reason) {}
