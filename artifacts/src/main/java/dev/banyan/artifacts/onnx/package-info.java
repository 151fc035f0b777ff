/**
 * ONNX models as files.
 *
 * <p>{@link dev.banyan.artifacts.onnx.OnnxFile} reads and writes a model; its messages are the
 * generated classes of {@code dev.banyan.artifacts.onnx.proto}. Weights may lie outside the model,
 * in files of any size: {@link dev.banyan.artifacts.onnx.ExternalDataWriter} makes such a file,
 * {@link dev.banyan.artifacts.onnx.TensorProtos} the messages that point into it.
 *
 * {@snippet :
 * OnnxFile file = OnnxFile.read(Path.of("model.onnx"));
 * Tensor weight = file.tensor(file.model().getGraph().getInitializer(0)); // a view
 * try (ExternalDataWriter data = new ExternalDataWriter(folder.resolve("base.onnx.data"))) {
 *   TensorProto moved = TensorProtos.external(weight, data.add(weight));
 * }
 * }
 */
@NullMarked
package dev.banyan.artifacts.onnx;

import org.jspecify.annotations.NullMarked;
