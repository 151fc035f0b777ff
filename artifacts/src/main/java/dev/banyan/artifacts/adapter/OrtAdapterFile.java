package dev.banyan.artifacts.adapter;

import com.google.flatbuffers.FlatBufferBuilder;
import dev.banyan.artifacts.flat.FlatBuffer;
import dev.banyan.artifacts.flat.FlatTable;
import dev.banyan.artifacts.flat.FlatWriter;
import dev.banyan.artifacts.integrity.ArtifactTooNew;
import dev.banyan.artifacts.integrity.ArtifactTooOld;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.MappedFile;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * ONNX Runtime's own adapter file, {@code .onnx_adapter}: tensors that its run options feed to
 * graph inputs of the same names. A FlatBuffer with the identifier {@code TORT}, as in ONNX
 * Runtime's schema {@code adapter_schema.fbs}. Vtable offsets:
 *
 * <pre>
 * Adapter    format_version:int = 1 4, adapter_version:int 6, model_version:int 8, parameters 10
 * Parameter  name 4, dims:[int64] 6, data_type 8, raw_data (aligned to 8) 10
 * </pre>
 *
 * <p>It has no checksum and no place for base, rank or labels; scaling is folded into the tensors
 * by whoever exports.
 *
 * @param adapterVersion free for the user; ONNX Runtime does not look at it
 * @param modelVersion free for the user; ONNX Runtime does not look at it
 * @param parameters the tensors, named after graph inputs
 */
public record OrtAdapterFile(int adapterVersion, int modelVersion, List<Tensor> parameters) {
  private static final String IDENTIFIER = "TORT";
  private static final int VERSION = 1;

  /** Copies the list. */
  public OrtAdapterFile {
    parameters = List.copyOf(parameters);
  }

  /**
   * Writes a file atomically.
   *
   * @throws UnusableArtifact if it would have 2 GiB or more
   * @throws UncheckedIOException if the disk fails
   */
  public static void write(
      Path file, int adapterVersion, int modelVersion, List<Tensor> parameters) {
    FlatWriter writer = new FlatWriter(file, parameters);
    List<Integer> offsets = new ArrayList<>();
    for (Tensor tensor : parameters) {
      offsets.add(parameter(writer, tensor));
    }
    int vector = writer.tables(offsets);
    FlatBufferBuilder builder = writer.builder();
    builder.startTable(4);
    builder.addInt(0, VERSION, 0);
    builder.addInt(1, adapterVersion, 0);
    builder.addInt(2, modelVersion, 0);
    builder.addOffset(3, vector, 0);
    writer.finish(file, builder.endTable(), IDENTIFIER);
  }

  private static int parameter(FlatWriter writer, Tensor tensor) {
    int name = writer.text(tensor.name());
    int dims = writer.shape(tensor.shape());
    int data = writer.bytes(tensor.data());
    FlatBufferBuilder builder = writer.builder();
    builder.startTable(4);
    builder.addOffset(0, name, 0);
    builder.addOffset(1, dims, 0);
    builder.addInt(2, tensor.type().onnxCode(), 0);
    builder.addOffset(3, data, 0);
    return builder.endTable();
  }

  /**
   * Reads a file; the tensors are views of its mapping.
   *
   * @throws CorruptArtifact if it is damaged
   * @throws ArtifactTooOld if its format version is older than 1
   * @throws ArtifactTooNew if its format version is newer than 1
   * @throws UnusableArtifact if there is no such file
   */
  public static OrtAdapterFile read(Path file) {
    FlatTable root = FlatBuffer.root(file.toString(), MappedFile.map(file), IDENTIFIER);
    int version = root.intAt(4, 0);
    if (version < VERSION) {
      throw new ArtifactTooOld(file.toString(), version, VERSION);
    }
    if (version > VERSION) {
      throw new ArtifactTooNew(file.toString(), version, VERSION);
    }
    List<Tensor> parameters = new ArrayList<>();
    for (FlatTable parameter : root.tablesAt(10).orElse(List.of())) {
      String name = parameter.stringAt(4);
      Shape shape = parameter.shapeAt(6);
      DType type = parameter.typeAt(8);
      MemorySegment data =
          parameter
              .bytesAt(10)
              .orElseThrow(() -> parameter.corrupt("'" + name + "' without bytes", "its bytes"));
      parameters.add(parameter.tensor(name, type, shape, data));
    }
    return new OrtAdapterFile(root.intAt(6, 0), root.intAt(8, 0), parameters);
  }
}
