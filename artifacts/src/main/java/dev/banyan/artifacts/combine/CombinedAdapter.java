package dev.banyan.artifacts.combine;

import dev.banyan.artifacts.adapter.PeftAdapter;

/**
 * One adapter made of several.
 *
 * @param adapter what they became; its scaling is one
 * @param layers how many layers it adapts
 * @param distance how far its layers are from the weighted sum of the others' products, relative to
 *     that sum: the root of the summed squares over all elements
 */
public record CombinedAdapter(PeftAdapter adapter, int layers, double distance) {}
