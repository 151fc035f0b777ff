package dev.banyan.graph.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.ChatFormat;
import dev.banyan.artifacts.bundle.PromptFormat;
import dev.banyan.artifacts.integrity.JsonFields;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.PrepareRequest.LanguageChoice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds out how a decoder's texts are written, from what the user says and the files that lie
 * beside its tokenizer: {@code tokenizer_config.json} for the token that ends a text, and the chat
 * template in it or in {@code chat_template.jinja}.
 *
 * <p>Templates are programs; of them, ChatML's is known (with or without words of the system by
 * default). Other conversations need a file of {@link ChatFormat}'s form.
 *
 * @param tokenizer the model's {@code tokenizer.json}
 * @param choice what the user says
 */
record PromptFiles(Path tokenizer, LanguageChoice choice) {
  private static final String CONFIG = "tokenizer_config.json";
  private static final String TEMPLATE = "chat_template.jinja";

  /** What ChatML's templates have in common, whatever quotes and breaks they are written with. */
  private static final Pattern CHAT_ML =
      Pattern.compile(
          "<\\|im_start\\|>['\"]\\s*\\+\\s*message(\\[['\"]role['\"]\\]|\\.role)\\s*\\+\\s*['\"](\\n"
              + "|\\\\n"
              + ")['\"]"
              + "\\s*\\+\\s*message(\\[['\"]content['\"]\\]|\\.content)\\s*\\+\\s*['\"]<\\|im_end\\|>");

  /** What such a template says where a conversation does not begin with the system. */
  private static final Pattern DEFAULT_SYSTEM =
      Pattern.compile(
          "messages\\[0\\](\\[['\"]role['\"]\\]|\\.role) !="
              + " ['\"]system['\"].*?<\\|im_start\\|>system(?:\\n"
              + "|\\\\n"
              + ")(.*?)<\\|im_end\\|>",
          Pattern.DOTALL);

  /**
   * The format.
   *
   * @throws UnusableModel if nothing says how a text ends, or the chat format cannot be read
   */
  PromptFormat format() {
    Optional<ObjectNode> config = config();
    String end =
        choice
            .endOfText()
            .or(() -> config.map(json -> json.get("eos_token")).flatMap(PromptFiles::token))
            .orElseThrow(
                () ->
                    new UnusableModel(
                        "Nothing says which token ends a text: there is no \"eos_token\" in %s; name it by --end-of-text"
                            .formatted(tokenizer.resolveSibling(CONFIG))));
    return new PromptFormat(end, chat(config));
  }

  private Optional<ObjectNode> config() {
    Path file = tokenizer.resolveSibling(CONFIG);
    return read(file)
        .map(text -> JsonText.parse(file.toString(), text.getBytes(StandardCharsets.UTF_8)));
  }

  /** A token is written as its text, or as an object that has it. */
  private static Optional<String> token(JsonNode value) {
    JsonNode text = value.isObject() ? value.path("content") : value;
    return text.isTextual() ? Optional.of(text.textValue()) : Optional.empty();
  }

  private Optional<ChatFormat> chat(Optional<ObjectNode> config) {
    if (choice.chatFormat().isPresent()) {
      return Optional.of(chosen(choice.chatFormat().get()));
    }
    return read(tokenizer.resolveSibling(TEMPLATE))
        .or(
            () ->
                config
                    .map(json -> json.path("chat_template"))
                    .filter(JsonNode::isTextual)
                    .map(JsonNode::textValue))
        .flatMap(PromptFiles::known);
  }

  private static ChatFormat chosen(String name) {
    if (name.equals("chatml")) {
      return ChatFormat.chatMl(Optional.empty());
    }
    String text =
        read(Path.of(name))
            .orElseThrow(
                () ->
                    new UnusableModel(
                        "--chat-format %s is neither 'chatml' nor a file".formatted(name)));
    try {
      return ChatFormat.of(
          new JsonFields(name, JsonText.parse(name, text.getBytes(StandardCharsets.UTF_8))));
    } catch (IllegalArgumentException e) {
      throw new UnusableModel("--chat-format " + name + ": " + e.getMessage());
    }
  }

  /** The format of a template, if it is one that is known. */
  static Optional<ChatFormat> known(String template) {
    if (!CHAT_ML.matcher(template).find()) {
      return Optional.empty();
    }
    Matcher system = DEFAULT_SYSTEM.matcher(template);
    return Optional.of(
        ChatFormat.chatMl(system.find() ? Optional.of(system.group(2)) : Optional.empty()));
  }

  private static Optional<String> read(Path file) {
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + file, e);
    }
  }
}
