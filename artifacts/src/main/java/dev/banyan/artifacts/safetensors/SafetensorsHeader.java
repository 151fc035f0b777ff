package dev.banyan.artifacts.safetensors;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** Makes the JSON header and the digest that it carries. */
final class SafetensorsHeader {
  static final String METADATA = "__metadata__";

  private SafetensorsHeader() {}

  static byte[] of(SafetensorsFile file) {
    ObjectNode header = JsonText.object();
    ObjectNode metadata = header.putObject(METADATA);
    file.metadata().forEach(metadata::put);
    long offset = 0;
    for (Tensor tensor : file.tensors().values()) {
      ObjectNode entry = header.putObject(tensor.name());
      entry.put("dtype", tensor.type().safetensorsTag());
      ArrayNode shape = entry.putArray("shape");
      tensor.shape().dims().forEach(shape::add);
      long end = offset + tensor.data().byteSize();
      entry.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    List<MemorySegment> data = file.tensors().values().stream().map(Tensor::data).toList();
    metadata.put(SafetensorsFile.DIGEST, digest(header, data).toString());
    return padded(JsonText.compact(header));
  }

  /** Over the header as it is without the digest itself, then the tensors' bytes. */
  static Digest digest(ObjectNode header, List<MemorySegment> data) {
    ObjectNode without = header.deepCopy();
    without.withObject("/" + METADATA).remove(SafetensorsFile.DIGEST);
    Digest.Builder digest = Digest.builder().add(MemorySegment.ofArray(JsonText.compact(without)));
    data.forEach(digest::add);
    return digest.build();
  }

  /** Spaces up to a multiple of 8, so that the tensors start aligned. */
  private static byte[] padded(byte[] header) {
    byte[] padded = Arrays.copyOf(header, Math.ceilDiv(header.length, 8) * 8);
    Arrays.fill(padded, header.length, padded.length, (byte) ' ');
    return padded;
  }
}
