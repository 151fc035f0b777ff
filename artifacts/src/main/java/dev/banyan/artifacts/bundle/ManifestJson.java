package dev.banyan.artifacts.bundle;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.JsonFields;
import dev.banyan.artifacts.integrity.JsonText;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The manifest's keys, one method a record. Written out because Jackson's own binding of records
 * takes a tenth of a second of every program's start.
 */
final class ManifestJson {
  private static final String WEIGHTS = "weights";
  private static final String WIDTHS = "widths";
  private static final String EMBEDDING = "embedding";
  private static final String POSITIONS = "positions";

  private static final String LEAST_RANK = "least_rank";
  private static final String MOST_RANK = "most_rank";
  private static final String PART = "part";

  private ManifestJson() {}

  static ObjectNode write(BundleManifest manifest) {
    ObjectNode json = JsonText.object();
    json.put("version", manifest.version()).put("task", manifest.task().text());
    write(manifest.base(), json.putObject("base"));
    write(manifest.text(), json.putObject("text"));
    write(manifest.adapter(), json.putObject("adapter"));
    manifest
        .embedding()
        .ifPresent(
            embedding ->
                json.putObject(EMBEDDING)
                    .put("objective", embedding.objective().text())
                    .put("temperature", embedding.temperature()));
    ArrayNode parameters = json.putArray("parameters");
    manifest.parameters().forEach(parameter -> write(parameter, parameters.addObject()));
    ObjectNode files = json.putObject("files");
    manifest
        .files()
        .forEach(
            (name, file) ->
                files
                    .putObject(name)
                    .put("digest", file.digest().toString())
                    .put("bytes", file.bytes()));
    return json;
  }

  private static void write(BaseInfo base, ObjectNode json) {
    json.put("digest", base.digest().toString())
        .put("frozen_parameters", base.frozenParameters())
        .put("hidden", base.hidden())
        .put("name", base.name());
  }

  private static void write(TextInfo text, ObjectNode json) {
    texts(json.putArray("inputs"), text.inputs());
    json.put("pooling", text.pooling().text()).put("max_length", text.maxLength());
    text.positions().ifPresent(positions -> json.put(POSITIONS, positions));
  }

  private static void write(AdapterInfo adapter, ObjectNode json) {
    ArrayNode methods = json.putArray("methods");
    adapter.methods().forEach(method -> write(method, methods.addObject()));
    json.put("peft_prefix", adapter.peftPrefix()).put("bias", adapter.bias().text());
    texts(json.putArray("modules_to_save"), adapter.modulesToSave());
  }

  private static void write(MethodInfo method, ObjectNode json) {
    json.put("name", method.name().text()).put("targets", method.targets());
    texts(json.putArray("sites"), method.sites());
    ObjectNode settings = json.putObject("settings");
    new TreeMap<>(method.settings()).forEach(settings::put);
    if (!method.weights().isEmpty()) {
      texts(json.putArray(WEIGHTS), method.weights());
    }
    if (!method.widths().isEmpty()) {
      texts(json.putArray(WIDTHS), method.widths().stream().map(Object::toString).toList());
    }
  }

  private static void write(ParameterSpec parameter, ObjectNode json) {
    json.put("name", parameter.name());
    texts(json.putArray("dims"), parameter.dims());
    json.put("init", parameter.init().text())
        .put("peft_key", parameter.peftKey())
        .put("layout", parameter.layout().text())
        .put("scaled", parameter.scaled())
        .put("decayed", parameter.decayed())
        .put("method", parameter.method().map(MethodName::text).orElse(""))
        .put("role", parameter.role().text());
    if (!parameter.ranks().equals(RankRange.ALL)) {
      json.put(LEAST_RANK, parameter.ranks().least()).put(MOST_RANK, parameter.ranks().most());
    }
    parameter
        .part()
        .ifPresent(
            part ->
                json.putObject(PART)
                    .put("layer", part.layer())
                    .put("from", part.from())
                    .put("width", part.width())
                    .put("of", part.of()));
  }

  private static void texts(ArrayNode array, List<String> texts) {
    texts.forEach(array::add);
  }

  static BundleManifest read(JsonFields json) {
    return new BundleManifest(
        json.integer("version"),
        json.parsed("task", Task::parse),
        base(json.object("base")),
        text(json.object("text")),
        adapter(json.object("adapter")),
        json.names().contains(EMBEDDING)
            ? Optional.of(embedding(json.object(EMBEDDING)))
            : Optional.empty(),
        json.objects("parameters").stream().map(ManifestJson::parameter).toList(),
        files(json.object("files")));
  }

  private static BaseInfo base(JsonFields json) {
    return new BaseInfo(
        json.parsed("digest", Digest::parse),
        json.number("frozen_parameters"),
        json.integer("hidden"),
        json.text("name"));
  }

  private static TextInfo text(JsonFields json) {
    return new TextInfo(
        json.texts("inputs"),
        json.parsed("pooling", Pooling::parse),
        json.integer("max_length"),
        json.names().contains(POSITIONS)
            ? OptionalInt.of(json.integer(POSITIONS))
            : OptionalInt.empty());
  }

  private static AdapterInfo adapter(JsonFields json) {
    return new AdapterInfo(
        json.objects("methods").stream().map(ManifestJson::method).toList(),
        json.text("peft_prefix"),
        json.parsed("bias", BiasTraining::parse),
        json.texts("modules_to_save"));
  }

  private static MethodInfo method(JsonFields json) {
    JsonFields settings = json.object("settings");
    return new MethodInfo(
        json.parsed("name", MethodName::parse),
        json.text("targets"),
        json.texts("sites"),
        settings.names().stream().collect(Collectors.toMap(name -> name, settings::text)),
        json.names().contains(WEIGHTS) ? json.texts(WEIGHTS) : List.of(),
        json.names().contains(WIDTHS)
            ? json.texts(WIDTHS).stream().map(Long::valueOf).toList()
            : List.of());
  }

  private static EmbeddingInfo embedding(JsonFields json) {
    double temperature = json.real("temperature");
    return json.parsed(
        "objective", name -> new EmbeddingInfo(EmbeddingInfo.Objective.parse(name), temperature));
  }

  private static ParameterSpec parameter(JsonFields json) {
    List<String> dims = json.texts("dims");
    String method = json.text("method");
    return json.parsed(
        "name",
        name ->
            new ParameterSpec(
                name,
                dims,
                json.parsed("init", Initializer::parse),
                json.text("peft_key"),
                json.parsed("layout", Layout::parse),
                json.flag("scaled"),
                json.flag("decayed"),
                method.isEmpty() ? Optional.empty() : Optional.of(MethodName.parse(method)),
                json.parsed("role", Role::parse),
                json.names().contains(LEAST_RANK)
                    ? new RankRange(json.integer(LEAST_RANK), json.integer(MOST_RANK))
                    : RankRange.ALL,
                json.names().contains(PART)
                    ? Optional.of(part(json.object(PART)))
                    : Optional.empty()));
  }

  private static LayerPart part(JsonFields json) {
    int from = json.integer("from");
    int width = json.integer("width");
    int of = json.integer("of");
    return json.parsed("layer", layer -> new LayerPart(layer, from, width, of));
  }

  private static Map<String, BundleFile> files(JsonFields json) {
    Map<String, BundleFile> files = new LinkedHashMap<>();
    for (String name : json.names()) {
      JsonFields file = json.object(name);
      files.put(name, new BundleFile(file.parsed("digest", Digest::parse), file.number("bytes")));
    }
    return files;
  }
}
