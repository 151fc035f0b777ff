/**
 * A trained adapter on disk.
 *
 * <p>{@link dev.banyan.artifacts.adapter.PeftAdapter} is the folder that Hugging Face PEFT writes
 * and reads: {@link dev.banyan.artifacts.adapter.LoraConfig} in {@code adapter_config.json} and the
 * tensors in {@code adapter_model.safetensors}. {@link
 * dev.banyan.artifacts.adapter.AdapterMetadata} is what Banyan adds in the tensors' header. {@link
 * dev.banyan.artifacts.adapter.OrtAdapterFile} is an export for ONNX Runtime's own adapters.
 *
 * {@snippet :
 * PeftAdapter adapter = PeftAdapter.read(Path.of("adapters/acme/tickets"));
 * double scaling = adapter.config().scaling();
 * Digest version = adapter.digest();
 * }
 */
@NullMarked
package dev.banyan.artifacts.adapter;

import org.jspecify.annotations.NullMarked;
