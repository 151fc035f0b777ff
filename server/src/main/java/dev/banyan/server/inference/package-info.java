/**
 * From texts to answers: {@link dev.banyan.server.inference.Inference} takes a query through
 * admission, the registry, the tokenizer and the queue. {@link
 * dev.banyan.server.inference.TextModel} is all that the server wants of the model.
 */
@NullMarked
package dev.banyan.server.inference;

import org.jspecify.annotations.NullMarked;
