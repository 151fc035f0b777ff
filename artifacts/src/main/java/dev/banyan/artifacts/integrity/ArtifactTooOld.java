package dev.banyan.artifacts.integrity;

/** The file's format version is older than any that this Banyan reads. */
public final class ArtifactTooOld extends ArtifactException {
  private static final long serialVersionUID = 1L;

  /**
   * @param artifact the file, usually its path
   * @param seen the version in the file
   * @param oldest the oldest version that is read
   */
  public ArtifactTooOld(String artifact, long seen, long oldest) {
    super(
        artifact,
        "format version %d is too old, expected %d or newer; write the file again with a newer program"
            .formatted(seen, oldest));
  }
}
