package dev.banyan.artifacts.integrity;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * The identity of something by its content: a SHA-256.
 *
 * <p>Written {@code sha256:<64 hex digits>} wherever people or files meet it.
 *
 * @param sha256 64 lower-case hexadecimal digits
 */
public record Digest(String sha256) {
  private static final String PREFIX = "sha256:";
  private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");

  /**
   * Checks the digits.
   *
   * @throws IllegalArgumentException if these are not 64 lower-case hexadecimal digits
   */
  public Digest {
    if (!HEX.matcher(sha256).matches()) {
      throw new IllegalArgumentException(
          "Not a SHA-256, which is 64 digits of 0-9a-f: '" + sha256 + "'");
    }
  }

  /**
   * Reads the written form.
   *
   * @throws IllegalArgumentException if it is not {@code sha256:<64 hex digits>}
   */
  public static Digest parse(String text) {
    if (!text.startsWith(PREFIX)) {
      throw new IllegalArgumentException("A digest starts with 'sha256:', not '" + text + "'");
    }
    return new Digest(text.substring(PREFIX.length()));
  }

  /**
   * The digest of a file's bytes.
   *
   * @throws UnusableArtifact if there is no such file
   */
  public static Digest of(Path file) {
    try (Arena whileReading = Arena.ofConfined()) {
      return of(MappedFile.map(file, whileReading));
    }
  }

  /** The digest of these bytes, of any number. */
  public static Digest of(MemorySegment bytes) {
    return builder().add(bytes).build();
  }

  /** The digest of these bytes. */
  public static Digest of(byte[] bytes) {
    return of(MemorySegment.ofArray(bytes));
  }

  /** Starts a digest over several pieces, which count as one run of bytes. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public String toString() {
    return PREFIX + sha256;
  }

  /** Takes the pieces of what is digested, in order. */
  public static final class Builder {
    /** Small enough for one byte buffer, large enough that the calls cost nothing. */
    private static final long PIECE = 1L << 24;

    private final MessageDigest sha256;

    private Builder() {
      try {
        sha256 = MessageDigest.getInstance("SHA-256");
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("Every JDK has SHA-256; this one does not", e);
      }
    }

    /** Adds the bytes of a segment. */
    public Builder add(MemorySegment bytes) {
      for (long at = 0; at < bytes.byteSize(); at += PIECE) {
        long length = Math.min(PIECE, bytes.byteSize() - at);
        MemorySegment piece = bytes.asSlice(at, length);
        sha256.update(piece.asByteBuffer());
        MappedFile.release(piece);
      }
      return this;
    }

    /**
     * Adds the UTF-8 length and bytes of a text, so that neighbouring texts cannot run together.
     */
    public Builder add(String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      sha256.update(ByteBuffer.allocate(Long.BYTES).putLong(0, bytes.length));
      sha256.update(bytes);
      return this;
    }

    /** Finishes; the builder starts afresh. */
    public Digest build() {
      return new Digest(HexFormat.of().formatHex(sha256.digest()));
    }
  }
}
