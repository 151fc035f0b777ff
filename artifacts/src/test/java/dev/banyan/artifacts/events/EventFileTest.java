package dev.banyan.artifacts.events;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventFileTest {
  @TempDir Path folder;

  @Test
  void whatWasWrittenIsReadBack() throws IOException {
    Map<String, Float> values = new LinkedHashMap<>();
    values.put("train/loss", 0.5f);
    values.put("train/learning_rate", 2e-4f);
    try (EventFile events = EventFile.create(folder.resolve("runs/one"))) {
      events.scalars(1, values);
      events.start(1L << 40);
    }
    List<byte[]> records = records(onlyFile(folder.resolve("runs/one")));
    assertThat(records).hasSize(3);
    assertThat(fields(records.get(0))).containsEntry(3, "brain.Event:2");
    Map<Integer, Object> scalars = fields(records.get(1));
    assertThat((Double) scalars.get(1)).isGreaterThan(1e9);
    assertThat(scalars).containsEntry(2, 1L);
    assertThat(
            new String(
                (byte[]) scalars.getOrDefault(5, new byte[0]),
                java.nio.charset.StandardCharsets.ISO_8859_1))
        .contains("train/loss", "train/learning_rate");
    Map<Integer, Object> start = fields(records.get(2));
    assertThat(start).containsEntry(2, 1L << 40).containsEntry(7, new byte[] {8, 1});
  }

  @Test
  void checksumsAreMaskedAsTheFormatSays() {
    // Worked out by hand from the polynomial 0x82f63b78: the checksum of a length of zero.
    assertThat(masked(new byte[8])).isEqualTo(0x07980329);
  }

  @Test
  void everyFileOfAFolderHasANameOfItsOwn() throws IOException {
    EventFile.create(folder).close();
    EventFile.create(folder).close();
    try (var files = Files.list(folder)) {
      assertThat(files).hasSize(2);
    }
  }

  private static Path onlyFile(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.findFirst().orElseThrow();
    }
  }

  private static List<byte[]> records(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<byte[]> records = new ArrayList<>();
    while (bytes.hasRemaining()) {
      byte[] length = new byte[8];
      bytes.get(length);
      assertThat(bytes.getInt()).isEqualTo(masked(length));
      byte[] record =
          new byte[(int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong()];
      bytes.get(record);
      assertThat(bytes.getInt()).isEqualTo(masked(record));
      records.add(record);
    }
    return records;
  }

  private static int masked(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    int value = (int) crc.getValue();
    return ((value >>> 15) | (value << 17)) + 0xa282ead8;
  }

  /** The fields of a message by number. */
  private static Map<Integer, Object> fields(byte[] message) throws IOException {
    CodedInputStream in = CodedInputStream.newInstance(message);
    Map<Integer, Object> fields = new LinkedHashMap<>();
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      int number = WireFormat.getTagFieldNumber(tag);
      Object value =
          switch (WireFormat.getTagWireType(tag)) {
            case WireFormat.WIRETYPE_VARINT -> in.readInt64();
            case WireFormat.WIRETYPE_FIXED64 -> in.readDouble();
            default -> number == 3 ? in.readString() : in.readByteArray();
          };
      fields.put(number, value);
    }
    return fields;
  }
}
