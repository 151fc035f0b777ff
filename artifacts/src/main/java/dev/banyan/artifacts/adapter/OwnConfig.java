package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The description of an adapter that PEFT has no name for: a method of Banyan's own, or several
 * methods in one adapter. Its {@code peft_type} is {@code BANYAN}, so that PEFT refuses it instead
 * of loading a part.
 *
 * @param common what every adapter has
 * @param parts the methods that PEFT has, each with its own configuration
 * @param own the methods that it does not have, each with its settings
 */
public record OwnConfig(CommonConfig common, List<AdapterConfig> parts, List<Own> own)
    implements AdapterConfig {
  static final String TYPE = "BANYAN";
  private static final String PARTS = "parts";
  private static final String OWN = "methods";

  /** Copies the lists. */
  public OwnConfig {
    parts = List.copyOf(parts);
    own = List.copyOf(own);
  }

  /**
   * A method that PEFT does not have.
   *
   * @param method which
   * @param settings its settings by name
   */
  public record Own(MethodName method, TreeMap<String, String> settings) {
    /** Copies the map. */
    public Own {
      settings = new TreeMap<>(settings);
    }

    OptionalInt size(Size size) {
      String value = settings.get(size.text());
      return value == null ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(value));
    }
  }

  static OwnConfig parse(ConfigJson json) {
    List<AdapterConfig> parts = new ArrayList<>();
    for (ObjectNode part : json.takeObjects(PARTS)) {
      AdapterConfig one = ConfigJson.parse(json.artifact(), part);
      if (one instanceof LoraConfig lora && lora.start().isPresent()) {
        throw new UnusableArtifact(
            json.artifact(),
            "a part of it counts from factors of the base's weights",
            "write it as Banyan does, with the factors in it");
      }
      parts.add(one);
    }
    List<Own> own = new ArrayList<>();
    for (ObjectNode each : json.takeObjects(OWN)) {
      own.add(own(json.artifact(), each));
    }
    return new OwnConfig(json.takeCommon(), parts, own);
  }

  private static Own own(String artifact, ObjectNode json) {
    MethodName method =
        MethodName.of(json.path("name").asText())
            .orElseThrow(
                () ->
                    new CorruptArtifact(
                        artifact, "the method " + json.path("name"), MethodName.names()));
    TreeMap<String, String> settings = new TreeMap<>();
    json.path("settings")
        .properties()
        .forEach(e -> settings.put(e.getKey(), e.getValue().asText()));
    for (Size size : method.sizes()) {
      JsonNode value = json.path("settings").path(size.text());
      if (!value.asText().matches("[1-9][0-9]{0,8}")) {
        throw new CorruptArtifact(
            artifact, "\"%s\" = %s".formatted(size.text(), value), "a positive whole number");
      }
    }
    return new Own(method, settings);
  }

  @Override
  public List<MethodName> methods() {
    List<MethodName> methods = new ArrayList<>();
    parts.forEach(part -> methods.addAll(part.methods()));
    own.forEach(each -> methods.add(each.method()));
    return methods;
  }

  @Override
  public AdapterConfig partOf(MethodName method) {
    return parts.stream().filter(part -> part.methods().contains(method)).findFirst().orElse(this);
  }

  @Override
  public OptionalInt size(Size size, String module) {
    List<OptionalInt> sizes = new ArrayList<>();
    parts.forEach(part -> sizes.add(part.size(size, module)));
    own.forEach(each -> sizes.add(each.size(size)));
    return sizes.stream().filter(OptionalInt::isPresent).mapToInt(OptionalInt::getAsInt).max();
  }

  @Override
  public double scaling(MethodName method, String module) {
    for (AdapterConfig part : parts) {
      if (part.methods().contains(method)) {
        return part.scaling(method, module);
      }
    }
    return own.stream()
        .filter(each -> each.method() == method)
        .mapToDouble(each -> Double.parseDouble(each.settings().getOrDefault("scaling", "1")))
        .findFirst()
        .orElse(1);
  }

  /** Its own name: what PEFT calls alike are several parameters here. */
  @Override
  public String key(ParameterSpec ofModel) {
    return ofModel.name();
  }

  @Override
  public Map<String, Tensor> whole(Map<String, Tensor> tensors) {
    Map<String, Tensor> whole = tensors;
    for (AdapterConfig part : parts) {
      whole = part.whole(whole);
    }
    return whole;
  }

  @Override
  public Optional<String> bundleFor(MethodName method) {
    return parts.stream()
        .filter(part -> part.methods().contains(method))
        .findFirst()
        .flatMap(part -> part.bundleFor(method));
  }

  @Override
  public Tensor whole(ParameterSpec spec, Tensor tensor) {
    for (AdapterConfig part : parts) {
      if (spec.method().filter(part.methods()::contains).isPresent()) {
        return part.whole(spec, tensor);
      }
    }
    return tensor;
  }

  @Override
  public boolean saves(ParameterSpec spec) {
    return parts.stream().allMatch(part -> part.saves(spec));
  }

  @Override
  public Optional<VeraConfig> vera() {
    return parts.stream().flatMap(part -> part.vera().stream()).findFirst();
  }

  @Override
  public String bias() {
    return parts.stream()
        .map(AdapterConfig::bias)
        .filter(b -> !b.equals("none"))
        .findFirst()
        .orElse("none");
  }

  @Override
  public String identity() {
    return "own "
        + parts.stream().map(AdapterConfig::identity).collect(Collectors.joining(", "))
        + own;
  }

  @Override
  public OwnConfig withBaseModel(String name) {
    return new OwnConfig(
        common.withBaseModel(name),
        parts.stream().map(part -> part.withBaseModel(name)).toList(),
        own);
  }

  @Override
  public ObjectNode json() {
    ObjectNode json = ConfigOutput.write(TYPE, common);
    ArrayNode inner = json.putArray(PARTS);
    parts.forEach(part -> inner.add(part.json()));
    ArrayNode others = json.putArray(OWN);
    for (Own each : own) {
      ObjectNode one = others.addObject().put("name", each.method().text());
      ObjectNode settings = one.putObject("settings");
      each.settings().forEach(settings::put);
    }
    json.setAll(common.other());
    return json;
  }
}
