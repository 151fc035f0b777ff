package dev.banyan.artifacts.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnsafeByteOperations;
import dev.banyan.artifacts.integrity.ArtifactTooNew;
import dev.banyan.artifacts.integrity.ArtifactTooOld;
import dev.banyan.artifacts.integrity.AtomicFiles;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.MappedFile;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.onnx.proto.GraphProto;
import dev.banyan.artifacts.onnx.proto.ModelProto;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import dev.banyan.artifacts.onnx.proto.ValueInfoProto;
import dev.banyan.artifacts.tensor.Tensor;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.Map;

/**
 * An ONNX model on disk together with the data files that it points to.
 *
 * <p>{@link #tensor} gives views: of the message, which is on the heap once, or of the mapped data
 * files, which may be of any size. ONNX has no checksum, so a flipped bit inside a weight cannot be
 * seen here; a bundle's digests see it. Nor can a file that was cut exactly between two parts of
 * its message, unless a part that every model needs is missing.
 */
public final class OnnxFile {
  /** The first IR version with operator-set imports. */
  private static final long OLDEST_IR = 3;

  private static final long NEWEST_IR = 14;

  private final Path path;
  private final MemorySegment bytes;
  private final ModelProto model;
  private final ExternalFiles externals;
  private final Map<String, Tensor> lent;

  private OnnxFile(Path path, MemorySegment bytes, ModelProto model, Map<String, Tensor> lent) {
    this.path = path;
    this.bytes = bytes;
    this.model = model;
    this.externals = new ExternalFiles(path);
    this.lent = Map.copyOf(lent);
  }

  /**
   * Opens a model. External data is mapped when a tensor asks for it.
   *
   * @throws UnusableArtifact if there is no such file or it is not below 2 GiB, protobuf's limit
   * @throws CorruptArtifact if it is not a whole ONNX model
   * @throws ArtifactTooOld if its IR version is older than 3
   * @throws ArtifactTooNew if its IR version is newer than 14
   */
  public static OnnxFile read(Path path) {
    MemorySegment bytes = MappedFile.map(path);
    if (bytes.byteSize() > Integer.MAX_VALUE) {
      throw new UnusableArtifact(
          path.toString(),
          "the model file has %d bytes, more than the 2 GiB that protobuf allows"
              .formatted(bytes.byteSize()),
          "export it with external data");
    }
    OnnxFile file = new OnnxFile(path, bytes, parse(path, bytes), Map.of());
    file.check();
    return file;
  }

  private static ModelProto parse(Path path, MemorySegment bytes) {
    try {
      // Protobuf copies the mapping to the heap once; weights then alias that copy.
      CodedInputStream input =
          UnsafeByteOperations.unsafeWrap(bytes.asByteBuffer()).newCodedInput();
      input.enableAliasing(true);
      ModelProto model = ModelProto.parseFrom(input);
      input.checkLastTagWas(0);
      return model;
    } catch (InvalidProtocolBufferException e) {
      throw new CorruptArtifact(
          path.toString(), "no protobuf message: " + e.getMessage(), "an ONNX model");
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + path, e);
    }
  }

  private void check() {
    if (!model.hasIrVersion() || !model.hasGraph() || model.getOpsetImportCount() == 0) {
      throw new CorruptArtifact(
          path.toString(),
          "a message without "
              + (!model.hasIrVersion()
                  ? "an IR version"
                  : !model.hasGraph() ? "a graph" : "operator-set imports"),
          "an ONNX model");
    }
    if (model.getIrVersion() < OLDEST_IR) {
      throw new ArtifactTooOld(path.toString(), model.getIrVersion(), OLDEST_IR);
    }
    if (model.getIrVersion() > NEWEST_IR) {
      throw new ArtifactTooNew(path.toString(), model.getIrVersion(), NEWEST_IR);
    }
  }

  /** Where the model was read from. */
  public Path path() {
    return path;
  }

  /** Version of the file format, from 3 to 14. */
  public int irVersion() {
    return Math.toIntExact(model.getIrVersion());
  }

  /** The model's message. */
  public ModelProto model() {
    return model;
  }

  /**
   * The same model with weights that live elsewhere, each in the place of the graph input of its
   * name, if there is one: what was written without its weights is whole again, and nothing is
   * copied.
   *
   * @param weights by name
   */
  public OnnxFile withWeights(Map<String, Tensor> weights) {
    GraphProto graph = model.getGraph();
    GraphProto.Builder whole = graph.toBuilder().clearInput();
    for (ValueInfoProto input : graph.getInputList()) {
      Tensor weight = weights.get(input.getName());
      if (weight == null) {
        whole.addInput(input);
      } else {
        whole.addInitializer(TensorProtos.lent(weight));
      }
    }
    return new OnnxFile(path, bytes, model.toBuilder().setGraph(whole).build(), weights);
  }

  /**
   * A view of a tensor's elements, wherever this model keeps them: in the message as bytes or as
   * numbers, or in a data file beside it.
   *
   * @throws CorruptArtifact if the bytes are missing or not as many as the shape asks for, or if
   *     the location leaves the model's folder
   * @throws UnusableArtifact if the element type is one that Banyan has no use for, such as strings
   */
  public Tensor tensor(TensorProto proto) {
    Tensor known = TensorProtos.isLent(proto) ? lent.get(proto.getName()) : null;
    return known == null ? new TensorReader(path.toString(), externals).read(proto) : known;
  }

  /**
   * Writes a model atomically.
   *
   * @throws UnusableArtifact if the message has 2 GiB or more
   * @throws UncheckedIOException if the disk fails
   */
  public static void write(Path path, ModelProto model) {
    // The size of a message beyond 2 GiB overflows to a negative number.
    if (model.getSerializedSize() < 0) {
      throw new UnusableArtifact(
          path.toString(),
          "the model has 2 GiB or more",
          "move its weights to external data before writing it");
    }
    AtomicFiles.write(
        path,
        channel -> {
          var stream = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
          CodedOutputStream output = CodedOutputStream.newInstance(stream);
          model.writeTo(output);
          output.flush();
          stream.flush();
        });
  }

  /**
   * Number of bytes of the file and of its data files.
   *
   * @throws UnusableArtifact if a data file is missing
   */
  public long size() {
    long external =
        ExternalReferences.of(model).stream()
            .mapToLong(file -> externals.file(file).byteSize())
            .sum();
    return bytes.byteSize() + external;
  }

  /**
   * The model's identity: the digest of its file; with external data, a digest over that one and
   * the name and digest of each data file.
   *
   * @throws UnusableArtifact if a data file is missing
   */
  public Digest digest() {
    Digest own = Digest.of(bytes);
    var files = ExternalReferences.of(model);
    if (files.isEmpty()) {
      return own;
    }
    Digest.Builder all = Digest.builder().add(own.sha256());
    for (String file : files) {
      all.add(file).add(Digest.of(externals.file(file)).sha256());
    }
    return all.build();
  }
}
