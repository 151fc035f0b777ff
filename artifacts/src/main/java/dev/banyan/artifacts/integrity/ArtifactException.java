package dev.banyan.artifacts.integrity;

/**
 * A file cannot be used. The message names the file, what was seen, what was expected and who can
 * mend it, in one line.
 */
public abstract sealed class ArtifactException extends RuntimeException
    permits CorruptArtifact, ArtifactTooOld, ArtifactTooNew, WrongBase, UnusableArtifact {
  private static final long serialVersionUID = 1L;

  private final String artifact;

  ArtifactException(String artifact, String problem) {
    super(artifact + ": " + problem);
    this.artifact = artifact;
  }

  /** The file or folder at fault, as the message names it. */
  public String artifact() {
    return artifact;
  }
}
