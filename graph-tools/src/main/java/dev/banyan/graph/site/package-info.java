/**
 * The places of a model that can carry an adapter, and the choice among them.
 *
 * <ul>
 *   <li>{@link dev.banyan.graph.site.SiteDiscovery}: walks a graph and finds every {@link
 *       dev.banyan.graph.site.Site}, a linear layer with a constant weight or one of the other
 *       {@link dev.banyan.graph.site.SiteKind}s, under the path that its module had in the
 *       framework the model comes from. What looks like a site and cannot be adapted is an {@link
 *       dev.banyan.graph.site.UnusableSite} with the reason.
 *   <li>{@link dev.banyan.graph.site.TargetSelector}: reads {@code --targets}, {@code --exclude}
 *       and {@code --layers}.
 * </ul>
 */
@NullMarked
package dev.banyan.graph.site;

import org.jspecify.annotations.NullMarked;
