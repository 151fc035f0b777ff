package dev.banyan.artifacts.safetensors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads one file's bytes. */
final class SafetensorsReader {
  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** The format's own limit, which also keeps a damaged length from asking for all memory. */
  private static final long LONGEST_HEADER = 100_000_000;

  private final String artifact;
  private final MemorySegment bytes;

  SafetensorsReader(String artifact, MemorySegment bytes) {
    this.artifact = artifact;
    this.bytes = bytes;
  }

  private record Entry(String name, DType type, Shape shape, long begin, long end) {}

  SafetensorsFile read() {
    long headerLength = headerLength();
    ObjectNode header =
        JsonText.parse(artifact, bytes.asSlice(8, headerLength).toArray(ValueLayout.JAVA_BYTE));
    MemorySegment data = bytes.asSlice(8 + headerLength);
    Map<String, String> metadata = metadata(header);
    checkDigest(header, metadata, data);
    metadata.remove(SafetensorsFile.DIGEST);
    List<Entry> entries = entries(header);
    checkPlaces(entries, data.byteSize());
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Entry entry : entries) {
      MemorySegment part = data.asSlice(entry.begin, entry.end - entry.begin);
      tensors.put(entry.name, new Tensor(entry.name, entry.type, entry.shape, part));
    }
    return new SafetensorsFile(metadata, tensors);
  }

  private long headerLength() {
    if (bytes.byteSize() < 8) {
      throw corrupt(bytes.byteSize() + " bytes", "at least 8");
    }
    long length = bytes.get(LENGTH, 0);
    if (length < 2 || length > LONGEST_HEADER || length > bytes.byteSize() - 8) {
      throw corrupt(
          "a header of %d bytes in a file of %d".formatted(length, bytes.byteSize()),
          "a header inside the file and below 100 MB");
    }
    return length;
  }

  private Map<String, String> metadata(ObjectNode header) {
    Map<String, String> metadata = new LinkedHashMap<>();
    JsonNode node = header.path(SafetensorsHeader.METADATA);
    if (!node.isMissingNode() && !node.isObject()) {
      throw corrupt("metadata " + node, "texts by key");
    }
    for (var entry : node.properties()) {
      if (!entry.getValue().isTextual()) {
        throw corrupt("metadata '" + entry.getKey() + "' = " + entry.getValue(), "a text");
      }
      metadata.put(entry.getKey(), entry.getValue().textValue());
    }
    return metadata;
  }

  /** Whoever writes a key of ours writes the digest too; without it the file is not what it was. */
  private void checkDigest(ObjectNode header, Map<String, String> metadata, MemorySegment data) {
    if (metadata.keySet().stream().noneMatch(key -> key.startsWith("banyan."))) {
      return;
    }
    String stated = metadata.getOrDefault(SafetensorsFile.DIGEST, "none");
    String actual = SafetensorsHeader.digest(header, List.of(data)).toString();
    if (!stated.equals(actual)) {
      throw corrupt("contents with the digest " + actual, "the digest " + stated);
    }
  }

  private List<Entry> entries(ObjectNode header) {
    List<Entry> entries = new ArrayList<>();
    for (var property : header.properties()) {
      if (!property.getKey().equals(SafetensorsHeader.METADATA)) {
        entries.add(entry(property.getKey(), property.getValue()));
      }
    }
    return entries;
  }

  private Entry entry(String name, JsonNode node) {
    String tag = node.path("dtype").asText();
    if (tag.isEmpty()) {
      throw corrupt("tensor '" + name + "' without a type", "a \"dtype\"");
    }
    DType type =
        DType.ofSafetensorsTag(tag)
            .orElseThrow(
                () ->
                    new UnusableArtifact(
                        artifact,
                        "tensor '%s' has the type '%s'".formatted(name, tag),
                        "save it as F32, F16 or BF16"));
    List<Long> offsets = numbers(name, node.path("data_offsets"));
    List<Long> dims = numbers(name, node.path("shape"));
    if (offsets.size() != 2) {
      throw corrupt("tensor '%s' at %s".formatted(name, offsets), "a begin and an end");
    }
    Shape shape = new Shape(dims);
    try {
      if (type.bytes(shape.elements()) != offsets.get(1) - offsets.get(0)) {
        throw corrupt(
            "tensor '%s' of %s%s at %s".formatted(name, type, shape, offsets),
            "as many bytes as the shape needs");
      }
    } catch (ArithmeticException e) {
      throw corrupt("tensor '%s' of shape %s".formatted(name, shape), "a possible shape");
    }
    return new Entry(name, type, shape, offsets.get(0), offsets.get(1));
  }

  private List<Long> numbers(String name, JsonNode node) {
    if (!node.isArray()) {
      throw corrupt("tensor '%s' with %s".formatted(name, node), "a list of numbers");
    }
    List<Long> numbers = new ArrayList<>();
    for (JsonNode number : node) {
      if (!number.isIntegralNumber() || !number.canConvertToLong() || number.longValue() < 0) {
        throw corrupt("tensor '%s' with %s".formatted(name, number), "a whole number from 0");
      }
      numbers.add(number.longValue());
    }
    return numbers;
  }

  /** Tensors follow each other without overlap or gap and fill the file. */
  private void checkPlaces(List<Entry> entries, long size) {
    long end = 0;
    List<Entry> inPlace =
        entries.stream()
            .sorted(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end))
            .toList();
    for (Entry entry : inPlace) {
      if (entry.begin != end || entry.end > size) {
        throw corrupt(
            "tensor '%s' at bytes %d to %d".formatted(entry.name, entry.begin, entry.end),
            "it to start at %d and end by %d".formatted(end, size));
      }
      end = entry.end;
    }
    if (end != size) {
      throw corrupt(size + " bytes of tensors", end + " bytes");
    }
  }

  private CorruptArtifact corrupt(String seen, String expected) {
    return new CorruptArtifact(artifact, seen, expected);
  }
}
