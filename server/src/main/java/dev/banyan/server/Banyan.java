package dev.banyan.server;

import dev.banyan.artifacts.integrity.ArtifactException;
import dev.banyan.graph.GraphFailure;
import dev.banyan.graph.cli.ExportCommand;
import dev.banyan.graph.cli.InspectCommand;
import dev.banyan.graph.cli.MergeCommand;
import dev.banyan.graph.cli.MethodsCommand;
import dev.banyan.graph.cli.PrepareCommand;
import dev.banyan.graph.cli.QuantizeCommand;
import dev.banyan.runtime.RuntimeFailure;
import dev.banyan.runtime.cli.CombineCommand;
import dev.banyan.runtime.cli.EvaluateCommand;
import dev.banyan.runtime.cli.TrainCommand;
import dev.banyan.server.cli.ServeCommand;
import dev.banyan.server.compare.CompareCommand;
import dev.banyan.server.problem.ServerProblem;
import dev.banyan.server.quickstart.QuickstartCommand;
import dev.banyan.server.quickstart.QuickstartFailure;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The {@code banyan} program: lists the commands of all modules, and turns failures into exit
 * codes.
 */
@Command(
    name = "banyan",
    mixinStandardHelpOptions = true,
    version = "banyan 0.1.0",
    description = "Train adapters on an ONNX model and serve one base with many of them.",
    footer = {
      "",
      "Exit codes: 0 done, 1 failed (one line on stderr says why), 2 not used right.",
      "Start with: banyan quickstart"
    },
    subcommands = {
      InspectCommand.class,
      QuantizeCommand.class,
      MethodsCommand.class,
      PrepareCommand.class,
      TrainCommand.class,
      EvaluateCommand.class,
      CompareCommand.class,
      CombineCommand.class,
      MergeCommand.class,
      ExportCommand.class,
      ServeCommand.class,
      QuickstartCommand.class
    })
public final class Banyan {
  @Option(
      names = "--verbose",
      scope = CommandLine.ScopeType.INHERIT,
      description = "Show where in the program a failure came from.")
  private boolean verbose;

  private Banyan() {}

  /** Runs one command and exits with its code. */
  public static void main(String[] args) {
    // Figures look the same in every country, and as programs expect them.
    Locale.setDefault(Locale.Category.FORMAT, Locale.ROOT);
    System.exit(run(commands(), args));
  }

  /** The program's commands and what they do about failures. */
  static CommandLine commands() {
    CommandLine commands = new CommandLine(new Banyan());
    commands.setExecutionExceptionHandler(Banyan::explain);
    commands.setParameterExceptionHandler(Banyan::correct);
    commands.setCaseInsensitiveEnumValuesAllowed(true);
    return commands.setUsageHelpAutoWidth(true);
  }

  /** Runs one command. */
  static int run(CommandLine commands, String... args) {
    if (args.length == 0) {
      commands.usage(commands.getErr());
      return CommandLine.ExitCode.USAGE;
    }
    try {
      return commands.execute(args);
    } catch (OutOfMemoryError _) {
      commands.getErr().println(outOfMemory());
      return CommandLine.ExitCode.SOFTWARE;
    }
  }

  private static String outOfMemory() {
    return "banyan: %d MiB of Java memory are not enough for what was asked; ask for less (a smaller rank or batch), or set BANYAN_JAVA_OPTS=-Xmx4g"
        .formatted(Runtime.getRuntime().maxMemory() >> 20);
  }

  /** The whole help would push the one line that matters off the screen. */
  private static int correct(ParameterException mistake, String[] args) {
    CommandLine command = mistake.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    PrintWriter err = command.getErr();
    err.println("%s: %s; see %s --help".formatted(name, plain(mistake), name));
    UnmatchedArgumentException.printSuggestions(mistake, err);
    err.flush();
    return CommandLine.ExitCode.USAGE;
  }

  private static int explain(Exception failure, CommandLine command, ParseResult parsed) {
    PrintWriter err = command.getErr();
    err.println("banyan %s: %s".formatted(command.getCommandName(), message(failure)));
    CommandLine root = command;
    while (root.getParent() != null) {
      root = root.getParent();
    }
    if (root.getCommand() instanceof Banyan banyan && banyan.verbose) {
      failure.printStackTrace(err);
    }
    err.flush();
    return CommandLine.ExitCode.SOFTWARE;
  }

  /** The message of a failure that is meant for users; a defect says that it is one. */
  static String message(Exception failure) {
    return switch (failure) {
      case ArtifactException known -> plain(known);
      case RuntimeFailure known -> plain(known);
      case GraphFailure known -> plain(known);
      case ServerProblem known -> known.detail();
      case QuickstartFailure known -> plain(known);
      case IOException known -> plain(known);
      case UncheckedIOException known -> plain(known) + reason(known.getCause());
      case CancellationException _ -> "stopped";
      default ->
          "this should not happen: %s (run it again with --verbose and report it)"
              .formatted(failure);
    };
  }

  /** The file system's own messages are no more than the name of the file. */
  private static String reason(@Nullable Throwable cause) {
    return switch (cause) {
      case AccessDeniedException denied -> ": no permission for " + denied.getFile();
      case NoSuchFileException missing -> ": there is no " + missing.getFile();
      case FileSystemException other -> ": " + plain(other);
      case null, default -> "";
    };
  }

  private static String plain(Exception failure) {
    String message = failure.getMessage();
    return message == null ? failure.toString() : message.replaceAll("\\s*\\R\\s*", " ");
  }
}
