package dev.banyan.runtime.inference;

import dev.banyan.runtime.data.Encoding;

/**
 * One text of a batch.
 *
 * @param encoding the text
 * @param slot the adapter that answers it; 0 for the bare base
 */
public record Row(Encoding encoding, int slot) {}
