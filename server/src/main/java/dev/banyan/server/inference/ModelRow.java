package dev.banyan.server.inference;

import dev.banyan.runtime.data.Encoding;

/**
 * One text on its way through the model.
 *
 * @param encoding its tokens
 * @param slot the slot of its adapter; 0 is the bare base
 * @param labels how many of the adapter's logits are wanted; 0 for none
 */
public record ModelRow(Encoding encoding, int slot, int labels) {}
