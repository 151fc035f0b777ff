package dev.banyan.graph.cli;

import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.adapter.BaseWeightChoice;
import dev.banyan.graph.adapter.LayerMethod;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What is adapted and how, as options of {@code banyan prepare}. */
final class MethodOptions {
  @Option(
      names = "--method",
      defaultValue = "lora",
      paramLabel = "NAME[:KEY=VALUE;..]",
      description =
          "How the model is adapted; several are combined in each adapter, or served side by side."
              + " Behind a colon: its own targets, exclude and layers, and its settings, such as"
              + " ia3:targets=key,value,output.dense;feedforward=output.dense. 'banyan methods'"
              + " lists them (default: ${DEFAULT-VALUE}).")
  private List<String> methods = List.of();

  @Option(
      names = "--targets",
      paramLabel = "TARGETS",
      description =
          "Layers to adapt: names such as query,value; all-linear; or a regular expression over"
              + " module paths. 'banyan inspect' lists them.")
  private @Nullable String targets;

  @Option(
      names = "--exclude",
      paramLabel = "NAMES",
      description = "Layers to leave out, named as in --targets.")
  private @Nullable String exclude;

  @Option(
      names = "--layers",
      paramLabel = "RANGE",
      description = "Only these encoder layers, such as 2-5 or 0,2,4.")
  private @Nullable String layers;

  @Option(
      names = "--bias",
      defaultValue = "none",
      converter = BiasName.class,
      paramLabel = "BIASES",
      description =
          "Biases of the base that each adapter trains too, as in PEFT: none, all, or lora_only for those of the adapted layers (default: ${DEFAULT-VALUE}).")
  private BiasTraining bias = BiasTraining.NONE;

  @Option(
      names = {"--modules-to-save", "--save-modules"},
      split = ",",
      paramLabel = "NAMES",
      description =
          "Modules of the base that each adapter trains and keeps whole, as in PEFT, such as pooler.dense; a classifier's head always is.")
  private List<String> modulesToSave = List.of();

  /** Which weights of the base adapters hold themselves. */
  BaseWeightChoice held() {
    return new BaseWeightChoice(bias, modulesToSave);
  }

  /**
   * The methods.
   *
   * @throws IllegalArgumentException that begins with the option at fault, without its dashes
   */
  List<MethodChoice> choices() {
    SiteChoice sites =
        new SiteChoice(
            targets == null ? "" : targets,
            Optional.ofNullable(exclude),
            Optional.ofNullable(layers));
    List<MethodChoice> choices =
        methods.stream().map(text -> MethodChoice.parse(text, sites)).toList();
    boolean taken =
        choices.stream()
            .anyMatch(
                choice ->
                    choice.method() instanceof LayerMethod method
                        && method.usualTargets().isEmpty());
    if (!taken && (targets != null || exclude != null || layers != null)) {
      throw new IllegalArgumentException(
          "targets, --exclude and --layers are for methods that have to be told which layers; write those of others behind their names, such as --method bitfit:layers=4-5");
    }
    return choices;
  }

  private static final class BiasName extends NamedConverter<BiasTraining> {
    BiasName() {
      super(BiasTraining::of, "none, all or lora_only");
    }
  }
}
