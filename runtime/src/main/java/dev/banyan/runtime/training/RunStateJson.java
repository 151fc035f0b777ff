package dev.banyan.runtime.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.integrity.ArtifactTooNew;
import dev.banyan.artifacts.integrity.ArtifactTooOld;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.JsonFields;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.runtime.report.Score;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The keys of {@code state.json}. Tensors lie in checkpoint files beside it, which it names with
 * their digests.
 */
final class RunStateJson {
  private static final String FORMAT = "banyan-run-state";
  private static final int VERSION = 1;
  private static final String DIGEST = "digest";

  private RunStateJson() {}

  /** Makes the tensors of a file that the JSON names. */
  @FunctionalInterface
  interface Files {
    /** Reads a file and compares its digest. */
    Checkpoint read(String name, Digest digest);
  }

  /**
   * A file beside the JSON.
   *
   * @param name its name
   * @param digest of its bytes
   */
  record File(String name, Digest digest) {
    void write(ObjectNode json) {
      json.put("file", name).put("file_digest", digest.toString());
    }
  }

  static byte[] write(RunState state, File checkpoint, Optional<File> kept) {
    ObjectNode json = JsonText.object().put("format", FORMAT).put("version", VERSION);
    ObjectNode run = json.putObject("run");
    state.identity().facts().forEach(run::put);
    Position at = state.position();
    json.put("step", at.step()).put("epoch", at.epoch()).put("step_of_epoch", at.stepOfEpoch());
    checkpoint.write(json.putObject("checkpoint"));
    if (state.kept().isPresent()) {
      ObjectNode object = json.putObject("kept");
      write(state.kept().get(), object);
      kept.orElseThrow().write(object);
    }
    ArrayNode losses = json.putArray("losses");
    state.losses().forEach(losses::add);
    return JsonText.bytes(json.put(DIGEST, Digest.of(JsonText.compact(json)).toString()));
  }

  private static void write(Kept kept, ObjectNode json) {
    json.put("digest", kept.digest().toString())
        .put("epoch", kept.epoch())
        .put("step", kept.step())
        .put("stale", kept.stale());
    kept.score().ifPresent(score -> write(score, json.putObject("score")));
  }

  /** Unrounded, as later scores are compared with it. */
  private static void write(Score score, ObjectNode json) {
    score.metrics().forEach((metric, value) -> json.put(metric.key(), value));
    json.put("loss", score.loss()).put("examples", score.examples());
  }

  static RunState read(JsonFields json, Files files) {
    checkFormat(json);
    Position position =
        new Position(json.integer("step"), json.integer("epoch"), json.integer("step_of_epoch"));
    List<Float> losses = losses(json);
    if (losses.size() != position.step()) {
      throw new CorruptArtifact(
          json.artifact(),
          losses.size() + " losses",
          "one for each of %d steps".formatted(position.step()));
    }
    Checkpoint checkpoint = file(json.object("checkpoint"), files);
    return new RunState(
        identity(json.object("run")), position, checkpoint, kept(json, files), losses);
  }

  private static void checkFormat(JsonFields json) {
    if (!json.text("format").equals(FORMAT)) {
      throw new CorruptArtifact(
          json.artifact(), "the format '%s'".formatted(json.text("format")), FORMAT);
    }
    int version = json.integer("version");
    if (version < VERSION) {
      throw new ArtifactTooOld(json.artifact(), version, VERSION);
    }
    if (version > VERSION) {
      throw new ArtifactTooNew(json.artifact(), version, VERSION);
    }
    Digest expected = json.parsed(DIGEST, Digest::parse);
    ObjectNode rest = json.json().deepCopy();
    rest.remove(DIGEST);
    Digest seen = Digest.of(JsonText.compact(rest));
    if (!seen.equals(expected)) {
      throw new CorruptArtifact(json.artifact(), "contents " + seen, "contents " + expected);
    }
  }

  private static RunIdentity identity(JsonFields json) {
    Map<String, String> facts = new LinkedHashMap<>();
    json.names().forEach(name -> facts.put(name, json.text(name)));
    return new RunIdentity(facts);
  }

  private static Checkpoint file(JsonFields json, Files files) {
    return files.read(json.text("file"), json.parsed("file_digest", Digest::parse));
  }

  private static Optional<Kept> kept(JsonFields json, Files files) {
    if (!json.names().contains("kept")) {
      return Optional.empty();
    }
    JsonFields kept = json.object("kept");
    return Optional.of(
        new Kept(
            kept.parsed("digest", Digest::parse),
            kept.names().contains("score")
                ? Optional.of(score(kept.object("score")))
                : Optional.empty(),
            kept.integer("epoch"),
            kept.integer("step"),
            kept.integer("stale"),
            file(kept, files).trainable()));
  }

  private static Score score(JsonFields json) {
    try {
      return new Score(
          Score.parse(json.json()).metrics(), decimal(json, "loss"), json.integer("examples"));
    } catch (IllegalArgumentException e) {
      throw new CorruptArtifact(json.artifact(), "a score of no metric", "one at least");
    }
  }

  private static double decimal(JsonFields json, String key) {
    JsonNode node = json.json().path(key);
    // A loss that is no number is written as a text.
    if (node.isTextual() && node.textValue().equals("NaN")) {
      return Double.NaN;
    }
    if (!node.isNumber()) {
      throw new CorruptArtifact(json.artifact(), "\"%s\" = %s".formatted(key, node), "a number");
    }
    return node.doubleValue();
  }

  private static List<Float> losses(JsonFields json) {
    List<Float> losses = new ArrayList<>();
    for (JsonNode loss : json.json().path("losses")) {
      losses.add(loss.floatValue());
    }
    return losses;
  }
}
