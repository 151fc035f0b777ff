package dev.banyan.artifacts.integrity;

/** The file is intact but missing, of another kind, or uses something that Banyan does not do. */
public final class UnusableArtifact extends ArtifactException {
  private static final long serialVersionUID = 1L;

  /**
   * @param artifact the file or folder, usually its path
   * @param seen what stands in the way
   * @param remedy what to do about it, as an instruction
   */
  public UnusableArtifact(String artifact, String seen, String remedy) {
    super(artifact, seen + "; " + remedy);
  }
}
