/**
 * The prepared base: one folder with the graphs for training and serving, the frozen weights that
 * they share, the tokenizer, and {@code bundle.json} that says what all of it is.
 *
 * <p>{@link dev.banyan.artifacts.bundle.BundleWriter} makes the folder in one step, {@link
 * dev.banyan.artifacts.bundle.Bundle} opens it, {@link dev.banyan.artifacts.bundle.BundleManifest}
 * is the description.
 *
 * {@snippet :
 * try (BundleWriter writer = new BundleWriter(out)) {
 *   OnnxFile.write(writer.path(Bundle.TRAINING_MODEL), training);
 *   // ... the other files
 *   Bundle bundle = writer.commit(manifest);
 * }
 * }
 */
@NullMarked
package dev.banyan.artifacts.bundle;

import org.jspecify.annotations.NullMarked;
