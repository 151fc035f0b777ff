/**
 * How every file of Banyan starts, ends and fails.
 *
 * <ul>
 *   <li>{@link dev.banyan.artifacts.integrity.Digest}: the SHA-256 that names a file, a base or an
 *       adapter by its content.
 *   <li>{@link dev.banyan.artifacts.integrity.AtomicFiles}: a reader sees the old file or the whole
 *       new one, also after a crash.
 *   <li>{@link dev.banyan.artifacts.integrity.ArtifactException}: the five ways in which a file can
 *       be of no use. Every reader of this module throws these and nothing else about a file's
 *       contents; {@link java.io.UncheckedIOException} says that the disk failed.
 *   <li>{@link dev.banyan.artifacts.integrity.MappedFile}: a file's bytes without a copy.
 *   <li>{@link dev.banyan.artifacts.integrity.JsonText} and {@link
 *       dev.banyan.artifacts.integrity.JsonFields}: JSON read without surprises.
 * </ul>
 */
@NullMarked
package dev.banyan.artifacts.integrity;

import org.jspecify.annotations.NullMarked;
