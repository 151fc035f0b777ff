package dev.banyan.artifacts.events;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * A TensorBoard event file being written. Each event is on disk as soon as its method returns, so a
 * reader may follow along; a process that dies leaves a file that is whole up to its last event.
 *
 * <p>The file is a series of TFRecords: {@code length:uint64, crc(length):uint32, bytes,
 * crc(bytes):uint32}, little-endian, the checksums CRC-32C and masked. The bytes are protobuf
 * (TensorFlow's {@code event.proto}, {@code summary.proto}):
 *
 * <pre>
 * Event       wall_time:double 1, step:int64 2, file_version:string 3, summary 5, session_log 7
 * Summary     value 1 (repeated)
 * Value       tag:string 1, simple_value:float 2
 * SessionLog  status:enum 1 (1 = start: later steps of earlier files no longer count)
 * </pre>
 */
public final class EventFile implements AutoCloseable {
  private static final String VERSION = "brain.Event:2";
  private static final int MASK = 0xa282ead8;

  private final FileChannel channel;

  private EventFile(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * A new file in a folder, which is made if it is missing.
   *
   * @throws UncheckedIOException if the disk fails
   */
  public static EventFile create(Path folder) {
    try {
      Files.createDirectories(folder);
      // Readers take the files of a folder in the order of their names.
      String name =
          "events.out.tfevents.%010d.%019d.banyan"
              .formatted(Instant.now().getEpochSecond(), System.nanoTime());
      EventFile file =
          new EventFile(
              FileChannel.open(
                  folder.resolve(name), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
      file.event(0, event -> event.writeString(3, VERSION));
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write an event file in " + folder, e);
    }
  }

  /** Says that a run starts at this step: what earlier files of the folder have beyond is void. */
  public void start(long step) {
    event(step, event -> event.writeByteArray(7, message(log -> log.writeEnum(1, 1))));
  }

  /** Writes values by name. */
  public void scalars(long step, Map<String, Float> values) {
    byte[] summary =
        message(
            out -> {
              for (Map.Entry<String, Float> value : values.entrySet()) {
                byte[] one =
                    message(
                        entry -> {
                          entry.writeString(1, value.getKey());
                          entry.writeFloat(2, value.getValue());
                        });
                out.writeByteArray(1, one);
              }
            });
    event(step, event -> event.writeByteArray(5, summary));
  }

  /** Writes the fields of a message. */
  @FunctionalInterface
  private interface Fields {
    void writeTo(CodedOutputStream out) throws IOException;
  }

  private void event(long step, Fields what) {
    Instant now = Instant.now();
    byte[] event =
        message(
            out -> {
              out.writeDouble(1, now.getEpochSecond() + now.getNano() / 1e9);
              out.writeInt64(2, step);
              what.writeTo(out);
            });
    try {
      ByteBuffer frame = record(event);
      while (frame.hasRemaining()) {
        channel.write(frame);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write an event", e);
    }
  }

  private static byte[] message(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    try {
      fields.writeTo(out);
      out.flush();
    } catch (IOException e) {
      throw new IllegalStateException("Memory does not fail", e);
    }
    return bytes.toByteArray();
  }

  private static ByteBuffer record(byte[] bytes) {
    ByteBuffer frame =
        ByteBuffer.allocate(Long.BYTES + Integer.BYTES + bytes.length + Integer.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    frame.putLong(bytes.length);
    frame.putInt(checksum(frame.slice(0, Long.BYTES)));
    frame.put(bytes);
    return frame.putInt(checksum(ByteBuffer.wrap(bytes))).flip();
  }

  /** Masked, as a checksum over bytes that hold checksums would be weak. */
  private static int checksum(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return Integer.rotateRight((int) crc.getValue(), 15) + MASK;
  }

  /**
   * Closes the file; closing twice does nothing.
   *
   * @throws UncheckedIOException if the disk fails
   */
  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot close an event file", e);
    }
  }
}
