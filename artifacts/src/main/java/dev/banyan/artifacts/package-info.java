/**
 * Everything of Banyan that crosses a process boundary as bytes. No native code, no ONNX Runtime.
 *
 * <p>Along the flow from a model to a served adapter:
 *
 * <ul>
 *   <li>{@code tensor}: named bytes with a type and a shape, which every format carries;
 *   <li>{@code onnx}: models, with external data of any size;
 *   <li>{@code bundle}: the prepared base, a folder described by {@code bundle.json};
 *   <li>{@code checkpoint}: ONNX Runtime's training checkpoint;
 *   <li>{@code safetensors}, {@code adapter}: a trained adapter in PEFT's layout, and ONNX
 *       Runtime's own adapter file as an export;
 *   <li>{@code integrity}: how all of these are written whole and how they fail.
 * </ul>
 */
@NullMarked
package dev.banyan.artifacts;

import org.jspecify.annotations.NullMarked;
