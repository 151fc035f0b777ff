package dev.banyan.artifacts.bundle;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.AtomicFiles;
import dev.banyan.artifacts.integrity.JsonFields;
import dev.banyan.artifacts.integrity.JsonText;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * How texts are written for a decoder, {@code prompt_format.json}.
 *
 * @param endOfText the token that ends a text, such as {@code </s>}
 * @param chat how conversations are written; empty for a model that knows none
 */
public record PromptFormat(String endOfText, Optional<ChatFormat> chat) {
  private static final String END_OF_TEXT = "end_of_text";
  private static final String CHAT = "chat";

  /** A format without conversations. */
  public static PromptFormat plain(String endOfText) {
    return new PromptFormat(endOfText, Optional.empty());
  }

  /**
   * Reads a file.
   *
   * @throws dev.banyan.artifacts.integrity.CorruptArtifact if a key is missing
   * @throws UncheckedIOException if the disk fails
   */
  public static PromptFormat read(Path file) {
    try {
      String name = file.toString();
      JsonFields json = new JsonFields(name, JsonText.parse(name, Files.readAllBytes(file)));
      return new PromptFormat(
          json.text(END_OF_TEXT),
          json.names().contains(CHAT)
              ? Optional.of(ChatFormat.of(json.object(CHAT)))
              : Optional.empty());
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + file, e);
    }
  }

  /** Writes a file. */
  public void write(Path file) {
    ObjectNode json = JsonText.object().put(END_OF_TEXT, endOfText);
    chat.ifPresent(format -> json.set(CHAT, format.toJson()));
    AtomicFiles.write(file, JsonText.bytes(json));
  }
}
