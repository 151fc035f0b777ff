/**
 * ONNX Runtime behind a narrow door: no other package imports {@code ai.onnxruntime}.
 *
 * <ul>
 *   <li>{@link dev.banyan.runtime.ort.OrtRuntime} unpacks the native libraries once per user and
 *       starts the one environment of the process.
 *   <li>{@link dev.banyan.runtime.ort.InferenceSession} and {@link
 *       dev.banyan.runtime.ort.TrainingSession} load graphs; {@link
 *       dev.banyan.runtime.ort.SessionSettings} says on which {@link dev.banyan.runtime.ort.Device}
 *       and with how much optimization.
 *   <li>{@link dev.banyan.runtime.ort.TensorScope} owns what is fed: every tensor made in it is
 *       gone when it closes.
 *   <li>{@link dev.banyan.runtime.ort.ModelProbe} asks ORT about a model that is being built: its
 *       simplified form, and the type of every value.
 *   <li>{@link dev.banyan.runtime.ort.OrtFailure} is how all of it fails.
 * </ul>
 *
 * <pre>{@code
 * try (InferenceSession session = InferenceSession.open(path, SessionSettings.defaults());
 *     TensorScope scope = new TensorScope();
 *     OutputTensors out =
 *         session.run(Map.of("input_ids", scope.longs(ids, 1, ids.length)), List.of("logits"))) {
 *   float[] logits = out.floats("logits");
 * }
 * }</pre>
 */
@NullMarked
package dev.banyan.runtime.ort;

import org.jspecify.annotations.NullMarked;
