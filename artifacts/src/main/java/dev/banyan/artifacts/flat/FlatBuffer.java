package dev.banyan.artifacts.flat;

import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * The bytes of a FlatBuffer with every access checked: whatever the bytes say, reading gives a
 * value or {@link CorruptArtifact}, and no length in them is believed before it is compared with
 * the size of the file.
 */
public final class FlatBuffer {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String artifact;
  private final MemorySegment bytes;

  private FlatBuffer(String artifact, MemorySegment bytes) {
    this.artifact = artifact;
    this.bytes = bytes;
  }

  /**
   * The root table.
   *
   * @param artifact the file's name for messages
   * @param identifier the four letters at bytes 4 to 7
   * @throws CorruptArtifact if the bytes do not start like such a file
   * @throws UnusableArtifact if there are 2 GiB or more, which the format cannot address
   */
  public static FlatTable root(String artifact, MemorySegment bytes, String identifier) {
    if (bytes.byteSize() > Integer.MAX_VALUE) {
      throw new UnusableArtifact(
          artifact, "has 2 GiB or more", "split it: FlatBuffers files are smaller");
    }
    FlatBuffer buffer = new FlatBuffer(artifact, bytes);
    MemorySegment seen = buffer.slice(4, 4);
    if (seen.mismatch(MemorySegment.ofArray(identifier.getBytes(StandardCharsets.US_ASCII)))
        != -1) {
      throw buffer.corrupt("other bytes at 4 to 7", "the identifier " + identifier);
    }
    return new FlatTable(buffer, buffer.follow(0));
  }

  CorruptArtifact corrupt(String seen, String expected) {
    return new CorruptArtifact(artifact, seen, expected);
  }

  MemorySegment slice(long at, long length) {
    if (at < 0 || length < 0 || at > bytes.byteSize() - length) {
      throw corrupt(
          "a part at byte %d of length %d in %d bytes".formatted(at, length, bytes.byteSize()),
          "parts inside the file");
    }
    return bytes.asSlice(at, length);
  }

  int intAt(long at) {
    return slice(at, Integer.BYTES).get(INT, 0);
  }

  long longAt(long at) {
    return slice(at, Long.BYTES).get(LONG, 0);
  }

  int unsignedShortAt(long at) {
    return Short.toUnsignedInt(slice(at, Short.BYTES).get(SHORT, 0));
  }

  /** The place that an unsigned offset at this place points to. */
  long follow(long at) {
    return at + Integer.toUnsignedLong(intAt(at));
  }

  /** The number of elements of the vector here, each of this size, all of them inside the file. */
  int vectorLength(long vector, int elementBytes) {
    long length = Integer.toUnsignedLong(intAt(vector));
    slice(vector + Integer.BYTES, length * elementBytes);
    return (int) length;
  }

  String stringAt(long string) {
    int length = vectorLength(string, 1);
    ByteBuffer text = slice(string + Integer.BYTES, length).asByteBuffer();
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(text).toString();
    } catch (CharacterCodingException e) {
      throw corrupt("a name that is not UTF-8", "names in UTF-8");
    }
  }
}
