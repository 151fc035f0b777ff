/**
 * Hugging Face's tensor file, {@link dev.banyan.artifacts.safetensors.SafetensorsFile}: eight bytes
 * of header length, a JSON header, the tensors' bytes.
 */
@NullMarked
package dev.banyan.artifacts.safetensors;

import org.jspecify.annotations.NullMarked;
