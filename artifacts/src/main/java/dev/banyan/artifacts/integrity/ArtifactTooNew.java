package dev.banyan.artifacts.integrity;

/** The file's format version is newer than any that this Banyan reads. */
public final class ArtifactTooNew extends ArtifactException {
  private static final long serialVersionUID = 1L;

  /**
   * @param artifact the file, usually its path
   * @param seen the version in the file
   * @param newest the newest version that is read
   */
  public ArtifactTooNew(String artifact, long seen, long newest) {
    super(
        artifact,
        "format version %d is too new, expected %d or older; update Banyan"
            .formatted(seen, newest));
  }
}
