package dev.banyan.artifacts.integrity;

/** An adapter was made for another base model. */
public final class WrongBase extends ArtifactException {
  private static final long serialVersionUID = 1L;

  /**
   * @param artifact the adapter
   * @param seen digest of the base that the adapter was trained on
   * @param expected digest of the base at hand
   */
  public WrongBase(String artifact, Digest seen, Digest expected) {
    super(
        artifact,
        "made for the base model %s, but this bundle's base is %s; use the bundle of its own base"
                .formatted(seen, expected)
            + " or train the adapter on this one");
  }
}
