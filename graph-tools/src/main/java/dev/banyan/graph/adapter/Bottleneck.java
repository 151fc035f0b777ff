package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.PathMatch;
import dev.banyan.graph.site.Site;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A small network beside the layers at the end of a block: {@code y + scaling up(act(down(x)))},
 * where x is what the layer gives itself (Houlsby et al., 2019, arXiv:1902.00751; Pfeiffer et al.,
 * 2020, arXiv:2005.00247), or what its feed-forward block reads (He et al., 2021,
 * arXiv:2110.04366).
 *
 * @param kind where
 * @param activation between the two layers
 */
public record Bottleneck(Kind kind, Activation activation) implements LayerMethod {
  private static final String KIND = "kind";
  private static final String ACTIVATION = "activation";
  private static final String SCALING = "scaling";

  /** Where bottlenecks are. */
  enum Kind {
    /** Behind attention and behind the feed-forward block, before what they are added to. */
    HOULSBY(PathMatch.BLOCK_OUTPUTS, Activation.SILU, "1"),
    /** Behind the feed-forward block alone. */
    PFEIFFER(PathMatch.FEED_FORWARD_OUTPUTS, Activation.RELU, "1"),
    /** Beside the feed-forward block. */
    PARALLEL(PathMatch.FEED_FORWARD_OUTPUTS, Activation.RELU, "4");

    private final String targets;
    private final Activation activation;
    private final String scaling;

    Kind(String targets, Activation activation, String scaling) {
      this.targets = targets;
      this.activation = activation;
      this.scaling = scaling;
    }

    String text() {
      return name().toLowerCase(Locale.ROOT);
    }

    static Kind parse(String text) {
      return Arrays.stream(values())
          .filter(kind -> kind.text().equals(text))
          .findFirst()
          .orElseThrow(
              () ->
                  refused(
                      KIND,
                      text,
                      Arrays.stream(values()).map(Kind::text).collect(Collectors.joining(", "))));
    }
  }

  /** The names of the settings. */
  static List<String> settings() {
    return List.of(KIND, ACTIVATION, SCALING);
  }

  /** All settings, where some were given. */
  static Map<String, String> whole(Map<String, String> given) {
    Map<String, String> all = new TreeMap<>(given);
    Kind kind = Kind.parse(all.computeIfAbsent(KIND, _ -> Kind.HOULSBY.text()));
    all.putIfAbsent(ACTIVATION, kind.activation.text());
    all.putIfAbsent(SCALING, kind.scaling);
    return all;
  }

  /**
   * The method of some settings.
   *
   * @throws IllegalArgumentException that says which values there are
   */
  static Bottleneck of(Map<String, String> given) {
    Map<String, String> all = whole(given);
    String activation = all.getOrDefault(ACTIVATION, "");
    String scaling = all.getOrDefault(SCALING, "");
    if (!scaling.matches("[0-9]{1,6}([.][0-9]{1,9})?") || Double.parseDouble(scaling) == 0) {
      throw refused(SCALING, scaling, "a number above 0");
    }
    return new Bottleneck(
        Kind.parse(all.getOrDefault(KIND, "")),
        Activation.of(activation)
            .orElseThrow(() -> refused(ACTIVATION, activation, Activation.names())));
  }

  private static IllegalArgumentException refused(String setting, String seen, String expected) {
    return new IllegalArgumentException(
        "method bottleneck has %s='%s'; expected %s".formatted(setting, seen, expected));
  }

  /** Why it is no {@link MergeableMethod}. */
  public static final String NOT_MERGEABLE =
      "between its two layers is an activation, which no weight can do; serve base and adapter";

  @Override
  public MethodName name() {
    return MethodName.BOTTLENECK;
  }

  @Override
  public Optional<String> usualTargets() {
    return Optional.of(kind.targets);
  }

  @Override
  public Point pointAt(String path) {
    return Point.OUTPUT;
  }

  /** What is dropped could not be made up for by a scaling, as the activation is in between. */
  @Override
  public boolean canDrop() {
    return false;
  }

  @Override
  public List<ParameterSpec> parameters(Site site) {
    String in = Long.toString(width(site));
    String out = Long.toString(site.outFeatures());
    String small = Size.BOTTLENECK.text();
    String down = site.path() + ".adapter_down";
    String up = site.path() + ".adapter_up";
    return List.of(
        ParameterSpec.of(name(), down, List.of(in, small), Initializer.KAIMING_UNIFORM)
            .stored(down + ".weight", Layout.TRANSPOSED)
            .withDecay(),
        ParameterSpec.of(name(), down + "_bias", List.of(small), Initializer.ZEROS)
            .stored(down + ".bias", Layout.SAME),
        ParameterSpec.of(name(), up, List.of(small, out), Initializer.ZEROS)
            .stored(up + ".weight", Layout.TRANSPOSED)
            .withDecay()
            .withScaling(),
        ParameterSpec.of(name(), up + "_bias", List.of(out), Initializer.ZEROS)
            .stored(up + ".bias", Layout.SAME)
            .withScaling());
  }

  private long width(Site site) {
    return kind == Kind.PARALLEL
            && FeedForwardInput.of(site).knownType().dim(-1) instanceof Dim.Known(long width)
        ? width
        : site.outFeatures();
  }

  private Value input(Site site, Value own) {
    return kind == Kind.PARALLEL ? FeedForwardInput.of(site) : own;
  }

  @Override
  public Value train(GraphBuilder builder, Site site, OneAdapter adapter) {
    List<Value> p = adapter.parameters();
    Value small = builder.op("MatMul", input(site, adapter.own()), p.get(0));
    Value active = activation.add(builder, builder.op("Add", small, p.get(1)));
    Value scaled = builder.op("Mul", active, adapter.scaling());
    Value bias = builder.op("Mul", p.get(3), adapter.scaling());
    Value delta = builder.op("Add", builder.op("MatMul", scaled, p.get(2)), bias);
    return builder.op("Add", adapter.own(), delta);
  }

  @Override
  public Value serve(GraphBuilder builder, Site site, AdapterBank bank) {
    Rows rows = Rows.of(builder, input(site, bank.own()), bank.adapterIds());
    Value small = builder.op("MatMul", rows.value(), bank.ofEachRow(builder, 0));
    Value biased = builder.op("Add", small, rows.spread(bank.ofEachRow(builder, 1)));
    Value active = activation.add(builder, biased);
    Value large = builder.op("MatMul", active, bank.ofEachRow(builder, 2));
    Value delta = builder.op("Add", large, rows.spread(bank.ofEachRow(builder, 3)));
    return builder.op("Add", bank.own(), rows.back(delta, site.outFeatures()));
  }
}
