package dev.banyan.artifacts.checkpoint;

import dev.banyan.artifacts.flat.FlatBuffer;
import dev.banyan.artifacts.flat.FlatTable;
import dev.banyan.artifacts.integrity.ArtifactTooNew;
import dev.banyan.artifacts.integrity.ArtifactTooOld;
import dev.banyan.artifacts.integrity.MappedFile;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads one checkpoint file. */
final class CheckpointReader {
  private final Path file;
  private Optional<MemorySegment> external = Optional.empty();

  CheckpointReader(Path file) {
    this.file = file;
  }

  Checkpoint read() {
    FlatTable root =
        FlatBuffer.root(file.toString(), MappedFile.copy(file), CheckpointFile.IDENTIFIER);
    checkVersion(root.intAt(4, 0));
    FlatTable module =
        root.tableAt(6)
            .orElseThrow(() -> root.corrupt("a checkpoint without parameters", "its module state"));
    if (module.flagAt(8)) {
      throw new UnusableArtifact(
          file.toString(),
          "a nominal checkpoint, which has names without values",
          "use the full checkpoint");
    }
    if (module.flagAt(10)) {
      Path data = file.resolveSibling(file.getFileName() + ".data");
      external = Optional.of(MappedFile.copy(data));
    }
    List<Tensor> trainable = tensors(module, 4);
    List<Tensor> frozen = tensors(module, 6);
    checkNames(root, trainable, frozen);
    Optional<OptimizerState> optimizer = optimizer(root);
    return new Checkpoint(trainable, frozen, optimizer, properties(root));
  }

  private void checkVersion(int version) {
    if (version < CheckpointFile.VERSION) {
      throw new ArtifactTooOld(file.toString(), version, CheckpointFile.VERSION);
    }
    if (version > CheckpointFile.VERSION) {
      throw new ArtifactTooNew(file.toString(), version, CheckpointFile.VERSION);
    }
  }

  private static void checkNames(FlatTable root, List<Tensor> trainable, List<Tensor> frozen) {
    Set<String> names = new HashSet<>();
    for (List<Tensor> tensors : List.of(trainable, frozen)) {
      for (Tensor tensor : tensors) {
        if (!names.add(tensor.name())) {
          throw root.corrupt("two parameters named '" + tensor.name() + "'", "unique names");
        }
      }
    }
  }

  private List<Tensor> tensors(FlatTable table, int field) {
    List<Tensor> tensors = new ArrayList<>();
    for (FlatTable tensor :
        table
            .tablesAt(field)
            .orElseThrow(() -> table.corrupt("no list of tensors in field " + field, "one"))) {
      tensors.add(tensor(tensor));
    }
    return tensors;
  }

  private Tensor tensor(FlatTable table) {
    String name = table.stringAt(4);
    Shape shape = table.shapeAt(8);
    DType type = table.typeAt(10);
    MemorySegment data =
        table
            .bytesAt(12)
            .or(() -> externalBytes(table, type, shape))
            .orElseThrow(() -> table.corrupt("tensor '" + name + "' without bytes", "its bytes"));
    return table.tensor(name, type, shape, data);
  }

  private Optional<MemorySegment> externalBytes(FlatTable table, DType type, Shape shape) {
    long offset = table.longAt(16, -1);
    if (offset < 0 || external.isEmpty()) {
      return Optional.empty();
    }
    MemorySegment data = external.get();
    try {
      long length = type.bytes(shape.elements());
      if (offset <= data.byteSize() - length) {
        return Optional.of(data.asSlice(offset, length));
      }
    } catch (ArithmeticException e) {
      // A size beyond 63 bits lies outside the file like any other that is too large.
    }
    throw table.corrupt(
        "a tensor of %s%s at byte %d of a data file of %d"
            .formatted(type, shape, offset, data.byteSize()),
        "a place inside that file");
  }

  private Optional<OptimizerState> optimizer(FlatTable root) {
    List<FlatTable> groups = root.tablesAt(8).orElse(List.of());
    if (groups.size() > 1) {
      throw new UnusableArtifact(
          file.toString(),
          groups.size() + " optimizer groups",
          "train with one group, as ONNX Runtime's own files have");
    }
    return groups.stream().findFirst().map(this::optimizerGroup);
  }

  private OptimizerState optimizerGroup(FlatTable group) {
    Map<String, List<Tensor>> moments = new LinkedHashMap<>();
    for (FlatTable state : group.tablesAt(10).orElse(List.of())) {
      if (moments.put(state.stringAt(4), tensors(state, 6)) != null) {
        throw state.corrupt("moments of '" + state.stringAt(4) + "' twice", "unique names");
      }
    }
    return new OptimizerState(group.longAt(6, 0), group.floatAt(8), moments);
  }

  private static Map<String, Object> properties(FlatTable root) {
    Map<String, Object> properties = new LinkedHashMap<>();
    root.tableAt(10)
        .ifPresent(
            bag -> {
              for (FlatTable entry : bag.tablesAt(4).orElse(List.of())) {
                properties.put(entry.stringAt(4), entry.longAt(6, 0));
              }
              for (FlatTable entry : bag.tablesAt(6).orElse(List.of())) {
                properties.put(entry.stringAt(4), entry.floatAt(6));
              }
              for (FlatTable entry : bag.tablesAt(8).orElse(List.of())) {
                properties.put(entry.stringAt(4), entry.stringAt(6));
              }
            });
    return properties;
  }
}
