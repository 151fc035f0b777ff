package dev.banyan.artifacts.integrity;

/** The bytes are damaged or cut off: nothing that writes this format could have written them. */
public final class CorruptArtifact extends ArtifactException {
  private static final long serialVersionUID = 1L;

  /**
   * @param artifact the file, usually its path
   * @param seen what is wrong in it
   * @param expected what an undamaged file has there
   */
  public CorruptArtifact(String artifact, String seen, String expected) {
    super(
        artifact,
        "damaged: %s, expected %s; get the file again from where it was made"
            .formatted(seen, expected));
  }
}
