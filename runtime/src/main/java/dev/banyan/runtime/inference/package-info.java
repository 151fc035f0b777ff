/**
 * Answers with one loaded base and many adapters.
 *
 * <pre>{@code
 * try (BaseModel model = BaseModel.open(bundle, plan)) {
 *   model.bank().write(1, AdapterWeights.fit(PeftAdapter.read(dir), bundle, plan));
 *   Row row = new Row(model.tokenizer().encode(Text.of("Where is my parcel?")), 1);
 *   float[] logits = model.run(List.of(row)).logits(0, 3);
 * }
 * }</pre>
 *
 * <p>{@link dev.banyan.runtime.inference.SlotBank} holds the adapters: slot 0 is zeros and so the
 * bare base, the others are for the caller to write. A batch is a list of {@link
 * dev.banyan.runtime.inference.Row}s, each with the slot it is to be answered by: one run serves
 * them all. {@link dev.banyan.runtime.inference.WarmUp} makes a program's first answer come sooner.
 */
@NullMarked
package dev.banyan.runtime.inference;

import org.jspecify.annotations.NullMarked;
