package dev.banyan.runtime.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reads a text file that must be UTF-8, and says on which line it is not. */
final class Utf8Text {
  private Utf8Text() {}

  /**
   * The file's text without a byte order mark.
   *
   * @throws DataFailure.Unreadable if there is no such file or it does not fit in memory
   * @throws DataFailure.BadLine if a line is not UTF-8
   */
  static String read(Path file) {
    byte[] bytes = bytes(file);
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    if (decoder.decode(in, out, true).isError()) {
      throw new DataFailure.BadLine(
          file,
          lineAt(bytes, in.position()),
          "byte 0x%02x is not UTF-8; save the file as UTF-8".formatted(bytes[in.position()]));
    }
    String text = out.flip().toString();
    return text.startsWith("\uFEFF") ? text.substring(1) : text;
  }

  private static byte[] bytes(Path file) {
    try {
      if (Files.size(file) > Integer.MAX_VALUE - 16) {
        throw new DataFailure.Unreadable(file, "it is above 2 GiB; split it", null);
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new DataFailure.Unreadable(file, "there is no such file", e);
    } catch (IOException e) {
      throw new DataFailure.Unreadable(file, String.valueOf(e.getMessage()), e);
    }
  }

  private static long lineAt(byte[] bytes, int position) {
    long line = 1;
    for (int i = 0; i < position; i++) {
      if (bytes[i] == '\n') {
        line++;
      }
    }
    return line;
  }
}
