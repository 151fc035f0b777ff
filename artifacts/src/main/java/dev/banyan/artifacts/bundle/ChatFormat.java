package dev.banyan.artifacts.bundle;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.JsonFields;
import dev.banyan.artifacts.integrity.JsonText;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;

/**
 * How a conversation is written as one text: what stands around the words of each role. It is what
 * chat templates of most models come to.
 *
 * <pre>{@code
 * {"start": "",
 *  "default_system": "You are a helpful assistant.",
 *  "roles": {
 *    "system":    {"before": "<|im_start|>system\n",    "end": "<|im_end|>", "after": "\n"},
 *    "user":      {"before": "<|im_start|>user\n",      "end": "<|im_end|>", "after": "\n"},
 *    "assistant": {"before": "<|im_start|>assistant\n", "end": "<|im_end|>", "after": "\n"}}}
 * }</pre>
 *
 * @param start what every conversation starts with
 * @param defaultSystem words of the system where a conversation has none of its own
 * @param roles the role that a message may have, and how it is written
 */
public record ChatFormat(String start, Optional<String> defaultSystem, Map<String, Turn> roles) {
  /** The role whose words are learned. */
  public static final String ASSISTANT = "assistant";

  /** The role that says how to behave. */
  public static final String SYSTEM = "system";

  /**
   * What stands around a message.
   *
   * @param before in front of the words
   * @param end behind them, which an assistant learns to write
   * @param after what follows, which it does not
   */
  public record Turn(String before, String end, String after) {}

  /**
   * Copies the roles.
   *
   * @throws IllegalArgumentException if there is no assistant, or no system for the words that it
   *     has by default
   */
  public ChatFormat {
    if (!roles.containsKey(ASSISTANT)) {
      throw new IllegalArgumentException(
          "A chat format has the roles " + roles.keySet() + "; expected one named 'assistant'");
    }
    if (defaultSystem.isPresent() && !roles.containsKey(SYSTEM)) {
      throw new IllegalArgumentException(
          "A chat format has a default_system, but no role named 'system'");
    }
    SequencedMap<String, Turn> sorted = new TreeMap<>(roles);
    roles = Collections.unmodifiableMap(sorted);
  }

  /** The format of ChatML, which many models share. */
  public static ChatFormat chatMl(Optional<String> defaultSystem) {
    Map<String, Turn> roles = new TreeMap<>();
    for (String role : new String[] {SYSTEM, "user", ASSISTANT}) {
      roles.put(role, new Turn("<|im_start|>" + role + "\n", "<|im_end|>", "\n"));
    }
    return new ChatFormat("", defaultSystem, roles);
  }

  /**
   * Reads the keys.
   *
   * @throws dev.banyan.artifacts.integrity.CorruptArtifact if one is missing or of another kind
   */
  public static ChatFormat of(JsonFields json) {
    Map<String, Turn> roles = new TreeMap<>();
    JsonFields named = json.object("roles");
    for (String role : named.names()) {
      JsonFields turn = named.object(role);
      roles.put(role, new Turn(turn.text("before"), turn.text("end"), turn.text("after")));
    }
    return new ChatFormat(
        json.text("start"),
        json.names().contains("default_system")
            ? Optional.of(json.text("default_system"))
            : Optional.empty(),
        roles);
  }

  /** The keys. */
  public ObjectNode toJson() {
    ObjectNode json = JsonText.object().put("start", start);
    defaultSystem.ifPresent(words -> json.put("default_system", words));
    ObjectNode named = json.putObject("roles");
    roles.forEach(
        (role, turn) ->
            named
                .putObject(role)
                .put("before", turn.before())
                .put("end", turn.end())
                .put("after", turn.after()));
    return json;
  }
}
