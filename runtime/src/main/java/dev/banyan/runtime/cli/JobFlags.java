package dev.banyan.runtime.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.banyan.runtime.data.DataRow;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.training.EngineKind;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingPlan;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** A line of {@code --jobs}: the flags of a solo run as keys. */
@Command(name = "job")
final class JobFlags {
  /** What a solo run may have and a job may not: the keys, and why. */
  private static final Map<String, String> REFUSED =
      Map.of(
          "resume", "go on with the job alone: 'banyan train' with its own --data, --out and flags",
          "engine", "jobs share a session");

  @Option(names = "--data", paramLabel = "FILE")
  private @Nullable Path data;

  @Option(names = "--eval", paramLabel = "FILE")
  private @Nullable Path eval;

  @Mixin private final RunOptions run = new RunOptions();
  @Mixin private final TrainingFlags flags = new TrainingFlags();

  private final DataRow row;

  private JobFlags(DataRow row) {
    this.row = row;
  }

  /**
   * Reads a line.
   *
   * @param defaults options of the command line, which count where the line has no such key
   * @throws dev.banyan.runtime.data.DataFailure.BadLine if a key or a value is none of a job's
   */
  static JobFlags of(DataRow row, List<OptionSpec> defaults) {
    JobFlags job = new JobFlags(row);
    CommandLine parser = new CommandLine(job).setOverwrittenOptionsAllowed(true);
    CommandSpec known = parser.getCommandSpec();
    Map<String, String> arguments = new LinkedHashMap<>();
    for (OptionSpec option : defaults) {
      String name = option.longestName();
      if (known.findOption(name) != null) {
        arguments.put(name, String.valueOf(option.<Object>getValue()));
      }
    }
    for (Map.Entry<String, JsonNode> field : row.fields().properties()) {
      arguments.put("--" + key(row, known, field), field.getValue().asText());
    }
    try {
      parser.parseArgs(asFlags(known, arguments));
    } catch (ParameterException e) {
      throw row.bad(String.valueOf(e.getMessage()));
    }
    if (job.data == null || !job.run.hasOut()) {
      throw row.bad("a job needs the keys 'data' and 'out'");
    }
    return job;
  }

  private static String key(DataRow row, CommandSpec known, Map.Entry<String, JsonNode> field) {
    String key = field.getKey();
    String refusal = REFUSED.get(key);
    if (refusal != null) {
      throw row.bad("the key '%s' is not for jobs: %s".formatted(key, refusal));
    }
    if (known.findOption("--" + key) == null) {
      throw row.bad("unknown key '%s'; expected %s".formatted(key, keys(known)));
    }
    if (!field.getValue().isValueNode() || field.getValue().isNull()) {
      throw row.bad(
          "'%s' is %s; expected a text, a number, true or false".formatted(key, field.getValue()));
    }
    return key;
  }

  /** A switch is there or not; all others have a value. */
  private static String[] asFlags(CommandSpec known, Map<String, String> arguments) {
    List<String> flags = new ArrayList<>();
    arguments.forEach(
        (name, value) -> {
          boolean isSwitch = known.findOption(name).arity().max() == 0;
          if (isSwitch && value.equals("true")) {
            flags.add(name);
          } else if (!isSwitch || !value.equals("false")) {
            flags.add(name + "=" + value);
          }
        });
    return flags.toArray(String[]::new);
  }

  private static String keys(CommandSpec known) {
    return known.options().stream()
        .map(option -> option.longestName().substring(2))
        .filter(key -> !REFUSED.containsKey(key))
        .collect(Collectors.joining(", "));
  }

  /** The line that it comes from. */
  DataRow row() {
    return row;
  }

  /** How the job is called: the place of its adapter. */
  String name() {
    return run.out().toString();
  }

  /** Its examples, read now. */
  TrainingData data() {
    return new TrainingData(
        Dataset.read(Objects.requireNonNull(data)), Optional.ofNullable(eval).map(Dataset::read));
  }

  /** Its output flags. */
  RunOptions run() {
    return run;
  }

  /**
   * Its plan.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  TrainingPlan plan(SessionSettings settings) {
    TrainingPlan plan = flags.plan(settings);
    if (plan.compute().engine() != EngineKind.SESSION) {
      throw new IllegalArgumentException(
          "engine is ort-training; jobs that train together need session");
    }
    if (eval == null && plan.evaluations().every() > 0) {
      throw new IllegalArgumentException("eval-every needs eval");
    }
    return plan;
  }
}
