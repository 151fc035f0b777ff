package dev.banyan.artifacts.bundle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.ArtifactTooNew;
import dev.banyan.artifacts.integrity.ArtifactTooOld;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.JsonFields;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The description of a bundle, {@code bundle.json}.
 *
 * <p>The file starts with {@code "format": "banyan-bundle"} and {@code "version"}, and ends with
 * {@code "digest"}, the digest of the same JSON without that key: so a changed manifest is found,
 * and with it, through the digests of the files, a changed bundle.
 *
 * @param version {@link #VERSION}
 * @param task what its adapters learn
 * @param base the frozen model
 * @param text how text goes in
 * @param adapter what is adapted
 * @param embedding what the embedding task learns from; empty for every other task
 * @param parameters every trainable parameter, in graph-input order
 * @param files every other file of the folder by name, in name order
 */
public record BundleManifest(
    int version,
    Task task,
    BaseInfo base,
    TextInfo text,
    AdapterInfo adapter,
    Optional<EmbeddingInfo> embedding,
    List<ParameterSpec> parameters,
    Map<String, BundleFile> files) {
  /** The version that this Banyan writes and reads. */
  public static final int VERSION = 3;

  private static final String FORMAT = "banyan-bundle";

  /** Copies the collections. */
  public BundleManifest {
    // A manifest that does not say is of the time when there were only pairs.
    embedding =
        task == Task.EMBEDDING
            ? Optional.of(embedding.orElseGet(EmbeddingInfo::pairs))
            : Optional.empty();
    parameters = List.copyOf(parameters);
    files = Collections.unmodifiableSortedMap(new TreeMap<>(files));
  }

  /** A description of files that are still to be written. */
  public BundleManifest(
      Task task,
      BaseInfo base,
      TextInfo text,
      AdapterInfo adapter,
      List<ParameterSpec> parameters) {
    this(VERSION, task, base, text, adapter, Optional.empty(), parameters, Map.of());
  }

  /** The same description with another source of embeddings; of no use to other tasks. */
  public BundleManifest with(EmbeddingInfo info) {
    return new BundleManifest(
        version, task, base, text, adapter, Optional.of(info), parameters, files);
  }

  /** The same description of these files. */
  BundleManifest withFiles(Map<String, BundleFile> newFiles) {
    return new BundleManifest(version, task, base, text, adapter, embedding, parameters, newFiles);
  }

  /** The bytes of {@code bundle.json}. */
  byte[] toJson() {
    ObjectNode json = JsonText.object().put("format", FORMAT);
    json.setAll(ManifestJson.write(this));
    return JsonText.bytes(json.put("digest", digestOf(json).toString()));
  }

  /**
   * Reads {@code bundle.json}.
   *
   * @throws CorruptArtifact if it is damaged
   * @throws ArtifactTooOld if its version is older than 1
   * @throws ArtifactTooNew if its version is newer than 1
   * @throws UnusableArtifact if it is JSON of something else
   */
  static BundleManifest parse(String artifact, byte[] bytes) {
    ObjectNode json = JsonText.parse(artifact, bytes);
    if (!json.path("format").asText().equals(FORMAT)) {
      throw new UnusableArtifact(
          artifact,
          "its \"format\" is not \"" + FORMAT + "\"",
          "name a folder made by 'banyan prepare'");
    }
    json.remove("format");
    checkVersion(artifact, json.path("version"));
    checkDigest(artifact, json);
    return ManifestJson.read(new JsonFields(artifact, json));
  }

  private static void checkVersion(String artifact, JsonNode version) {
    if (!version.isIntegralNumber()) {
      throw new CorruptArtifact(artifact, "no \"version\"", "a whole number");
    }
    if (version.longValue() < VERSION) {
      throw new ArtifactTooOld(artifact, version.longValue(), VERSION);
    }
    if (version.longValue() > VERSION) {
      throw new ArtifactTooNew(artifact, version.longValue(), VERSION);
    }
  }

  private static void checkDigest(String artifact, ObjectNode json) {
    JsonNode stated = json.remove("digest");
    ObjectNode whole = JsonText.object().put("format", FORMAT);
    whole.setAll(json);
    String actual = digestOf(whole).toString();
    if (stated == null || !stated.asText().equals(actual)) {
      throw new CorruptArtifact(
          artifact, "contents with the digest " + actual, "the digest " + stated);
    }
  }

  private static Digest digestOf(ObjectNode json) {
    return Digest.of(JsonText.bytes(json));
  }
}
