package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.JsonText;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * What Banyan keeps in the header of an adapter's tensors, where PEFT ignores it. An adapter that
 * PEFT wrote has none of it.
 *
 * @param artifact the file's name for messages
 * @param entries the header's metadata
 */
public record AdapterMetadata(String artifact, Map<String, String> entries) {
  private static final String BASE = "banyan.base";
  private static final String LABELS = "banyan.labels";
  private static final String TASK = "banyan.task";
  private static final String MAX_LENGTH = "banyan.max_length";
  private static final String POOLING = "banyan.pooling";
  private static final String COMBINED = "banyan.combined";

  /**
   * The entries for an adapter trained on a bundle.
   *
   * @param labels names by class id; empty where the task has none
   */
  public static Map<String, String> entries(BundleManifest bundle, List<String> labels) {
    Map<String, String> entries = new LinkedHashMap<>();
    entries.put(PeftAdapter.FRAMEWORK, "pt");
    entries.put(BASE, bundle.base().digest().toString());
    if (!labels.isEmpty()) {
      ArrayNode names = JsonText.object().putArray("labels");
      labels.forEach(names::add);
      entries.put(LABELS, names.toString());
    }
    entries.put(TASK, bundle.task().text());
    entries.put(MAX_LENGTH, Integer.toString(bundle.text().maxLength()));
    entries.put(POOLING, bundle.text().pooling().text());
    return entries;
  }

  /**
   * The entries of an adapter that was made of several, of which this is the one that it has its
   * head from.
   *
   * @param base what the others say of their base, if this one says nothing
   * @param maxLength the number of tokens after which texts are cut, if known
   * @param recipe what it was made of, as JSON
   */
  public Map<String, String> combined(
      Optional<Digest> base, OptionalInt maxLength, JsonNode recipe) {
    Map<String, String> combined = new LinkedHashMap<>(entries);
    base.ifPresent(digest -> combined.put(BASE, digest.toString()));
    maxLength.ifPresent(length -> combined.put(MAX_LENGTH, Integer.toString(length)));
    combined.put(COMBINED, recipe.toString());
    return combined;
  }

  /** The base model that the adapter was trained on, if it says so. */
  public Optional<Digest> base() {
    return entry(BASE, "sha256:<64 hex digits>", Digest::parse);
  }

  /** Label names by class id; empty if the file has none. */
  public List<String> labels() {
    return entry(LABELS, "a JSON list of names", this::names).orElse(List.of());
  }

  /** The task, if the file says so. */
  public Optional<Task> task() {
    return entry(TASK, "a task", text -> Task.of(text).orElseThrow(IllegalArgumentException::new));
  }

  /** The number of tokens after which texts were cut in training, if the file says so. */
  public OptionalInt maxLength() {
    return entry(MAX_LENGTH, "a number of tokens", Integer::parseUnsignedInt)
        .map(OptionalInt::of)
        .orElse(OptionalInt.empty());
  }

  /** The pooling, if the file says so. */
  public Optional<Pooling> pooling() {
    return entry(
        POOLING, "a pooling", text -> Pooling.of(text).orElseThrow(IllegalArgumentException::new));
  }

  private List<String> names(String text) {
    byte[] json = ("{\"labels\":" + text + "}").getBytes(StandardCharsets.UTF_8);
    List<String> names = new ArrayList<>();
    for (JsonNode name : JsonText.parse(artifact, json).path("labels")) {
      if (!name.isTextual()) {
        throw new IllegalArgumentException("Not a name: " + name);
      }
      names.add(name.textValue());
    }
    return names;
  }

  private <T> Optional<T> entry(String key, String expected, Function<String, T> read) {
    String text = entries.get(key);
    if (text == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(read.apply(text));
    } catch (IllegalArgumentException e) {
      throw new CorruptArtifact(artifact, "\"%s\" = '%s'".formatted(key, text), expected);
    }
  }
}
