package dev.banyan.artifacts.bundle;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** The adapter methods that there are, one row each. */
public enum MethodName {
  /** Low-rank adaptation. */
  LORA(
      Kind.LAYERS,
      "LORA",
      true,
      List.of(Size.RANK),
      "adds a product of two thin matrices to a layer's weight; the first choice for everything",
      "Hu et al., 2021, arXiv:2106.09685"),
  /** Low-rank adaptation of directions, beside a learned length. */
  DORA(
      Kind.LAYERS,
      "LORA",
      true,
      List.of(Size.RANK),
      "LoRA that learns how long each output's weight is beside where it points; better at low ranks, slower",
      "Liu et al., 2024, arXiv:2402.09353"),
  /** Low-rank adaptation that starts from the weight's largest directions. */
  PISSA(
      Kind.LAYERS,
      "LORA",
      true,
      List.of(Size.RANK),
      "LoRA that starts from the largest directions of each weight; learns faster, adapters of twice the rank",
      "Meng et al., 2024, arXiv:2404.02948"),
  /** Low-rank adaptation that starts from an orthogonal basis of the weight. */
  OLORA(
      Kind.LAYERS,
      "LORA",
      true,
      List.of(Size.RANK),
      "LoRA that starts from an orthogonal basis out of each weight; learns faster, adapters of twice the rank",
      "Büyükakyüz, 2024, arXiv:2406.01775"),
  /** Low-rank adaptation of which one factor is frozen. */
  LORA_FA(
      Kind.LAYERS,
      "LORA",
      true,
      List.of(Size.RANK),
      "LoRA whose A stays as it starts; half the numbers to learn, and less memory in training",
      "Zhang et al., 2023, arXiv:2308.03303"),
  /** The product, element by element, of two low-rank products. */
  LOHA(
      Kind.LAYERS,
      "LOHA",
      true,
      List.of(Size.RANK),
      "changes of rank r * r from twice LoRA's numbers; where LoRA's rank is what is missing",
      "Hyeon-Woo et al., 2021, arXiv:2108.06098"),
  /** The Kronecker product of two small matrices. */
  LOKR(
      Kind.LAYERS,
      "LOKR",
      true,
      List.of(Size.RANK),
      "a product of two small matrices of which every block is alike; full rank in tiny files",
      "Yeh et al., 2023, arXiv:2309.14859"),
  /** Sums of inputs that share a row of a small matrix. */
  MISS(
      Kind.LAYERS,
      "MISS",
      false,
      List.of(Size.RANK),
      "one matrix a layer over sums of its inputs; LoRA's quality with fewer numbers, any rank",
      "Kang and Yin, 2024, arXiv:2409.15371"),
  /** Learned vectors around a frozen random pair that all layers share. */
  VERA(
      Kind.LAYERS,
      "VERA",
      false,
      List.of(Size.PROJECTION),
      "trains two vectors a layer around random matrices that all layers share; tiny files where those are left out",
      "Kopiczko et al., 2023, arXiv:2310.11454"),
  /** Scales activations by learned vectors. */
  IA3(
      Kind.LAYERS,
      "IA3",
      false,
      List.of(),
      "scales what layers make by a vector; the fewest parameters, needs a large learning rate",
      "Liu et al., 2022, arXiv:2205.05638"),
  /** A few weights of each layer. */
  SPARSE(
      Kind.LAYERS,
      "",
      false,
      List.of(),
      "trains the few weights of each layer that matter most, and stores where they are and by how much they change",
      "Sung et al., 2021, arXiv:2111.09839"),
  /** Small networks behind blocks. */
  BOTTLENECK(
      Kind.LAYERS,
      "",
      true,
      List.of(Size.BOTTLENECK),
      "puts a small network behind attention and feed-forward blocks; learns the most per layer, cannot be merged",
      "Houlsby et al., 2019, arXiv:1902.00751"),
  /** Biases only. */
  BITFIT(
      Kind.WEIGHTS,
      "",
      false,
      List.of(),
      "trains every bias of the base and nothing else; small data, small change",
      "Ben Zaken et al., 2021, arXiv:2106.10199"),
  /** Learned tokens before the text's own. */
  PROMPT(
      Kind.MODEL,
      "PROMPT_TUNING",
      false,
      List.of(Size.TOKENS),
      "puts learned tokens before a text; the smallest files, needs a large learning rate and many steps",
      "Lester et al., 2021, arXiv:2104.08691"),
  /** Learned keys and values before the text's own. */
  PREFIX(
      Kind.MODEL,
      "PREFIX_TUNING",
      false,
      List.of(Size.TOKENS),
      "puts learned keys and values before a text in every layer; more room than prompt, no longer rows",
      "Li and Liang, 2021, arXiv:2101.00190"),
  /** Normalizations only. */
  NORMS(
      Kind.WEIGHTS,
      "LN_TUNING",
      false,
      List.of(),
      "trains what normalization layers scale and shift by; a few thousand numbers",
      "Zhao et al., 2023, arXiv:2312.11420"),
  /** The last layers whole. */
  LAST_LAYERS(
      Kind.WEIGHTS,
      "",
      false,
      List.of(),
      "trains the last n layers whole and freezes those below, which need no backward pass",
      "Lee et al., 2019, arXiv:1911.03090"),
  /** The head alone. */
  HEAD(
      Kind.WEIGHTS,
      "",
      false,
      List.of(),
      "trains the head on the base's own vectors; the fastest, and what others must beat",
      "Alain and Bengio, 2016, arXiv:1610.01644"),
  /** Every weight. */
  FULL(
      Kind.WEIGHTS,
      "",
      false,
      List.of(),
      "trains every weight; the reference, with adapters as large as the base",
      "Howard and Ruder, 2018, arXiv:1801.06146");

  /** What a method adapts. */
  public enum Kind {
    /** Chosen layers, beside their weights. */
    LAYERS,
    /** Weights of the base themselves. */
    WEIGHTS,
    /** The model as a whole. */
    MODEL
  }

  private final Kind kind;
  private final String peftType;
  private final boolean scaled;

  @SuppressWarnings("ImmutableEnumChecker") // A copy that cannot change.
  private final List<Size> sizes;

  private final String use;
  private final String paper;

  MethodName(
      Kind kind, String peftType, boolean scaled, List<Size> sizes, String use, String paper) {
    this.kind = kind;
    this.peftType = peftType;
    this.scaled = scaled;
    this.sizes = List.copyOf(sizes);
    this.use = use;
    this.paper = paper;
  }

  /** The name used in files and on the command line, such as {@code lora}. */
  public String text() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** What it adapts. */
  public Kind kind() {
    return kind;
  }

  /** PEFT's {@code peft_type} of it; empty where PEFT has no such method. */
  public Optional<String> peftType() {
    return Optional.of(peftType).filter(type -> !type.isEmpty());
  }

  /** Whether what it adds is multiplied by alpha / rank, or by a scaling of its settings. */
  public boolean isScaled() {
    return scaled;
  }

  /**
   * The method whose adapters it makes: itself, or LoRA where only the start or the training is
   * another.
   */
  public MethodName storedAs() {
    return switch (this) {
      case PISSA, OLORA, LORA_FA -> LORA;
      case LORA, DORA, LOHA, LOKR, MISS, VERA, SPARSE, IA3, BOTTLENECK -> this;
      case PROMPT, PREFIX, BITFIT, NORMS, LAST_LAYERS, HEAD, FULL -> this;
    };
  }

  /** Whether a scaling of zero leaves the bare base. */
  public boolean isSwitchable() {
    return switch (this) {
      case LORA, PISSA, OLORA, LORA_FA, LOHA, LOKR, BOTTLENECK -> true;
      case DORA, MISS, VERA, SPARSE, IA3, PROMPT, PREFIX, BITFIT, NORMS, LAST_LAYERS, HEAD, FULL ->
          false;
    };
  }

  /** The sizes that its adapters choose. */
  public List<Size> sizes() {
    return sizes;
  }

  /** What it does and when it is used, in one line. */
  public String use() {
    return use;
  }

  /** Where it is from. */
  public String paper() {
    return paper;
  }

  /** The graph input that holds its scaling of each layer. */
  public String scalingInput() {
    return text().replace('-', '_') + "_scaling";
  }

  /** The method of this name. */
  public static Optional<MethodName> of(String text) {
    return Arrays.stream(values()).filter(value -> value.text().equals(text)).findFirst();
  }

  /** All names, for messages. */
  public static String names() {
    return Arrays.stream(values()).map(MethodName::text).collect(Collectors.joining(", "));
  }

  static MethodName parse(String text) {
    return of(text)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "'" + text + "' is not a method; known are " + names()));
  }
}
