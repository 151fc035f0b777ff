package dev.banyan.runtime.training;

import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.checkpoint.CheckpointFile;
import dev.banyan.artifacts.integrity.AtomicFiles;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.JsonFields;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * The last saved state of a run on disk. A folder cannot be replaced in one stroke, but a file can:
 * the tensors of a new state are written under new names, then {@code state.json} is replaced, and
 * only then the old tensors go. Whenever the process dies, what {@code state.json} names is whole.
 */
final class StateFolder {
  private static final String JSON = "state.json";
  private static final String CHECKPOINT = "checkpoint-";
  private static final String KEPT = "kept-";

  private final Path folder;

  /** Keeps the names of this process apart from those that an earlier state uses. */
  private final String own = "-" + UUID.randomUUID().toString().substring(0, 8);

  private Optional<RunStateJson.File> lastKept = Optional.empty();

  StateFolder(Path folder) {
    this.folder = folder;
  }

  Path path() {
    return folder;
  }

  /**
   * Checks before a run that its states will have a place.
   *
   * @throws UnusableArtifact if something else is there
   */
  void requireUsable() {
    if (Files.exists(folder) && !(Files.isDirectory(folder) && onlyStates())) {
      throw new UnusableArtifact(
          folder.toString(), "exists and is not the state of a run", "name another --state");
    }
  }

  private boolean onlyStates() {
    return names().stream().allMatch(StateFolder::isOurs);
  }

  private static boolean isOurs(String name) {
    String bare = name.startsWith(".") ? name.substring(1) : name;
    return bare.startsWith(JSON) || bare.startsWith(CHECKPOINT) || bare.startsWith(KEPT);
  }

  /**
   * Saves a state in the place of the last one.
   *
   * @throws UncheckedIOException if the disk fails; the last one is then still there
   */
  void save(RunState state) {
    RunStateJson.File checkpoint =
        write(CHECKPOINT + state.position().step() + own, state.checkpoint());
    Optional<RunStateJson.File> kept = state.kept().map(this::write);
    lastKept = kept;
    AtomicFiles.write(folder.resolve(JSON), RunStateJson.write(state, checkpoint, kept));
    Set<String> used =
        kept.map(file -> Set.of(JSON, checkpoint.name(), file.name()))
            .orElse(Set.of(JSON, checkpoint.name()));
    names().stream()
        .filter(name -> !used.contains(name))
        .forEach(name -> AtomicFiles.deleteTree(folder.resolve(name)));
  }

  /** What is kept changes less often than the state is saved. */
  private RunStateJson.File write(Kept kept) {
    String name = KEPT + kept.step() + own;
    return lastKept
        .filter(last -> last.name().equals(name))
        .orElseGet(() -> write(name, Checkpoint.fresh(kept.parameters())));
  }

  private RunStateJson.File write(String name, Checkpoint checkpoint) {
    Path file = folder.resolve(name);
    CheckpointFile.write(file, checkpoint);
    return new RunStateJson.File(name, Digest.of(file));
  }

  /**
   * Reads the last state.
   *
   * @param expected the run that is to go on
   * @throws TrainingFailure.NothingToResume if there is none
   * @throws TrainingFailure.OtherRun if it is the state of a run with another plan, bundle or data
   * @throws dev.banyan.artifacts.integrity.ArtifactException if it is damaged
   */
  RunState load(RunIdentity expected) {
    Path file = folder.resolve(JSON);
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (NoSuchFileException _) {
      throw new TrainingFailure.NothingToResume(folder);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + file, e);
    }
    JsonFields json = new JsonFields(file.toString(), JsonText.parse(file.toString(), bytes));
    RunState state = RunStateJson.read(json, this::read);
    List<String> differences = expected.differencesFrom(state.identity());
    if (!differences.isEmpty()) {
      throw new TrainingFailure.OtherRun(folder, differences);
    }
    return state;
  }

  private Checkpoint read(String name, Digest expected) {
    if (!isOurs(name) || name.contains("/") || name.contains("\\")) {
      throw new CorruptArtifact(
          folder.resolve(JSON).toString(), "the file '" + name + "'", "a file of the folder");
    }
    Path file = folder.resolve(name);
    Digest seen = Digest.of(file);
    if (!seen.equals(expected)) {
      throw new CorruptArtifact(file.toString(), seen.toString(), expected.toString());
    }
    return CheckpointFile.read(file);
  }

  /** Removes the state of a run that has ended. */
  void remove() {
    AtomicFiles.deleteTree(folder);
  }

  private List<String> names() {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> String.valueOf(file.getFileName())).toList();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot list " + folder, e);
    }
  }
}
