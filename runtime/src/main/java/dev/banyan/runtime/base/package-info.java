/**
 * The layers of a base by themselves, for what depends on their weights: what adapters start from,
 * and what is computed when one is loaded. {@link dev.banyan.runtime.base.BaseLayers} multiplies by
 * them, {@link dev.banyan.runtime.base.BaseNorms} measures them.
 */
@NullMarked
package dev.banyan.runtime.base;

import org.jspecify.annotations.NullMarked;
