package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.integrity.JsonText;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * PEFT's description of a LoRA adapter, {@code adapter_config.json}.
 *
 * @param rank {@code r}
 * @param alpha {@code lora_alpha}
 * @param dropout {@code lora_dropout}, which matters in training only
 * @param targetModules {@code target_modules}; one entry if the file has a pattern
 * @param modulesToSave {@code modules_to_save}: layers trained whole, such as the head
 * @param rslora {@code use_rslora}: scale by alpha/sqrt(rank)
 * @param bias {@code bias}: which biases of the base are in the file: {@code none}, {@code all} or
 *     {@code lora_only}
 * @param taskType {@code task_type}, such as {@code SEQ_CLS}; empty for none
 * @param baseModel {@code base_model_name_or_path}; empty for none
 * @param other every other key of the file, kept as it was
 */
public record LoraConfig(
    int rank,
    double alpha,
    double dropout,
    List<String> targetModules,
    List<String> modulesToSave,
    boolean rslora,
    String bias,
    String taskType,
    String baseModel,
    ObjectNode other)
    implements AdapterConfig {
  static final String RANKS = "rank_pattern";
  static final String ALPHAS = "alpha_pattern";
  private static final String DORA = "use_dora";
  private static final String START = "init_lora_weights";

  /**
   * Copies the collections.
   *
   * @throws IllegalArgumentException if the rank is not positive or alpha is not finite
   */
  public LoraConfig {
    if (rank < 1 || !Double.isFinite(alpha)) {
      throw new IllegalArgumentException(
          "Rank %d and alpha %s; a positive rank and a finite alpha are needed"
              .formatted(rank, alpha));
    }
    targetModules = List.copyOf(targetModules);
    modulesToSave = List.copyOf(modulesToSave);
    other = other.deepCopy();
  }

  /** A configuration without keys of others. */
  public LoraConfig(
      int rank,
      double alpha,
      double dropout,
      List<String> targetModules,
      List<String> modulesToSave,
      boolean rslora,
      String bias,
      String taskType,
      String baseModel) {
    this(
        rank,
        alpha,
        dropout,
        targetModules,
        modulesToSave,
        rslora,
        bias,
        taskType,
        baseModel,
        JsonText.object());
  }

  /**
   * The factor before {@code B·A·x} in layers of no pattern: alpha/rank, with rsLoRA
   * alpha/sqrt(rank).
   */
  public double scaling() {
    return scaling(alpha, rank);
  }

  private double scaling(double ofAlpha, int ofRank) {
    return ofAlpha / (rslora ? Math.sqrt(ofRank) : ofRank);
  }

  /** The rank of a layer: that of {@code rank_pattern} if its module path fits, else {@code r}. */
  public int rank(String module) {
    return LayerPattern.value(other.path(RANKS), module).map(JsonNode::intValue).orElse(rank);
  }

  /** The factor before {@code B·A·x} in a layer, with its own rank and alpha. */
  public double scaling(String module) {
    double own =
        LayerPattern.value(other.path(ALPHAS), module).map(JsonNode::doubleValue).orElse(alpha);
    return scaling(own, rank(module));
  }

  /** The patterns as one text; empty if there are none. */
  String patterns() {
    return other.path(RANKS).isEmpty() && other.path(ALPHAS).isEmpty()
        ? ""
        : other.path(RANKS) + " " + other.path(ALPHAS);
  }

  /** The same with other ranks in some layers, given by whole module paths, and their alphas. */
  public LoraConfig withPatterns(Map<String, Integer> ranks, Map<String, Double> alphas) {
    ObjectNode more = other.deepCopy();
    ObjectNode rankPattern = more.putObject(RANKS);
    ranks.forEach(rankPattern::put);
    ObjectNode alphaPattern = more.putObject(ALPHAS);
    alphas.forEach(alphaPattern::put);
    return withOther(more);
  }

  /** {@code use_dora}: each output's weight has a learned length (DoRA). */
  public boolean dora() {
    return other.path(DORA).asBoolean();
  }

  /** The same for DoRA. */
  public LoraConfig withDora() {
    return withOther(other.deepCopy().put(DORA, true));
  }

  /**
   * The method whose factors of the base's weights the adapter starts from and counts from: PiSSA
   * or OLoRA, as PEFT saves them without conversion. Empty for an adapter of the base as it is.
   */
  public Optional<MethodName> start() {
    return switch (other.path(START).asText()) {
      case "pissa" -> Optional.of(MethodName.PISSA);
      case "olora" -> Optional.of(MethodName.OLORA);
      default -> Optional.empty();
    };
  }

  /** The same for factors of twice the rank, with the same scaling in every layer. */
  public LoraConfig withTwiceTheRank() {
    Map<String, Integer> ranks = new LinkedHashMap<>();
    Map<String, Double> alphas = new LinkedHashMap<>();
    double more = rslora ? Math.sqrt(2) : 2;
    other
        .path(RANKS)
        .properties()
        .forEach(rule -> ranks.put(rule.getKey(), 2 * rule.getValue().intValue()));
    other
        .path(ALPHAS)
        .properties()
        .forEach(rule -> alphas.put(rule.getKey(), more * rule.getValue().doubleValue()));
    LoraConfig twice =
        new LoraConfig(
            2 * rank,
            more * alpha,
            dropout,
            targetModules,
            modulesToSave,
            rslora,
            bias,
            taskType,
            baseModel,
            other);
    return ranks.isEmpty() && alphas.isEmpty() ? twice : twice.withPatterns(ranks, alphas);
  }

  private LoraConfig withOther(ObjectNode keys) {
    return new LoraConfig(
        rank,
        alpha,
        dropout,
        targetModules,
        modulesToSave,
        rslora,
        bias,
        taskType,
        baseModel,
        keys);
  }

  @Override
  public CommonConfig common() {
    return new CommonConfig(targetModules, modulesToSave, taskType, baseModel, other);
  }

  @Override
  public List<MethodName> methods() {
    return List.of(dora() ? MethodName.DORA : MethodName.LORA);
  }

  @Override
  public OptionalInt size(Size size, String module) {
    return size == Size.RANK ? OptionalInt.of(rank(module)) : OptionalInt.empty();
  }

  @Override
  public double scaling(MethodName method, String module) {
    return scaling(module);
  }

  @Override
  public String identity() {
    return Double.toString(scaling())
        + " "
        + rank
        + patterns()
        + (dora() ? " dora" : "")
        + start().map(method -> " from " + method.text()).orElse("");
  }

  static LoraConfig parse(ConfigJson json) {
    json.refuseUnsupported();
    // PEFT's own defaults, which it nevertheless always writes.
    int rank = json.takeCount("r", 8);
    double alpha = json.takeNumber("lora_alpha", 8);
    double dropout = json.takeNumber("lora_dropout", 0);
    boolean rslora = json.takeFlag("use_rslora");
    json.flag(DORA);
    String bias = json.takeText("bias");
    json.checkPattern(RANKS, node -> node.isInt() && node.intValue() >= 1);
    json.checkPattern(ALPHAS, node -> Double.isFinite(node.asDouble(Double.NaN)));
    CommonConfig common = json.takeCommon();
    return new LoraConfig(
        rank,
        alpha,
        dropout,
        common.targetModules(),
        common.modulesToSave(),
        rslora,
        bias.isEmpty() ? BiasTraining.NONE.text() : bias,
        common.taskType(),
        common.baseModel(),
        common.other());
  }

  @Override
  public ObjectNode json() {
    ObjectNode json = ConfigOutput.write("LORA", common());
    json.put("r", rank);
    ConfigOutput.putNumber(json, "lora_alpha", alpha);
    json.put("lora_dropout", dropout).put("use_rslora", rslora).put("bias", bias);
    json.put("fan_in_fan_out", false).put(DORA, false).put("init_lora_weights", true);
    json.putObject(RANKS);
    json.putObject(ALPHAS);
    json.putNull("layers_to_transform");
    json.setAll(other);
    return json;
  }

  @Override
  public LoraConfig withBaseModel(String name) {
    return new LoraConfig(
        rank, alpha, dropout, targetModules, modulesToSave, rslora, bias, taskType, name, other);
  }
}
