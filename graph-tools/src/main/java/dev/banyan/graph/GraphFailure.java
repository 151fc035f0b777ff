package dev.banyan.graph;

/** What this module cannot do, said in one line that tells who can mend it. */
public abstract sealed class GraphFailure extends RuntimeException {
  private static final long serialVersionUID = 1;

  private GraphFailure(String message) {
    super(message);
  }

  /** A model that is a valid file and yet nothing Banyan can work on. */
  public static final class UnusableModel extends GraphFailure {
    private static final long serialVersionUID = 1;

    /** Names what was seen and what was expected. */
    public UnusableModel(String message) {
      super(message);
    }
  }

  /** A choice of sites that names none, or cannot be read. */
  public static final class NoSuchSite extends GraphFailure {
    private static final long serialVersionUID = 1;

    /** Names the choice and what there is to choose from. */
    public NoSuchSite(String message) {
      super(message);
    }
  }

  /** Graph text that does not follow the grammar. */
  public static final class MalformedText extends GraphFailure {
    private static final long serialVersionUID = 1;

    /** Names the line and what was expected there. */
    public MalformedText(String message) {
      super(message);
    }
  }

  /** A fused operator with a setting that its rewriting does not do. */
  public static final class UnsupportedSetting extends GraphFailure {
    private static final long serialVersionUID = 1;

    /** Names the node, the setting and the reason. */
    public UnsupportedSetting(String message) {
      super(message);
    }
  }

  /** A gradient that cannot be built. */
  public static final class NotDifferentiable extends GraphFailure {
    private static final long serialVersionUID = 1;

    /** Names the operator and where it is, and what the user can do instead. */
    public NotDifferentiable(String message) {
      super(message);
    }
  }

  /** An adapter that cannot become part of its base's weights. */
  public static final class NotMergeable extends GraphFailure {
    private static final long serialVersionUID = 1;

    /** Names the layer or the numbers, and what the user can do instead. */
    public NotMergeable(String message) {
      super(message);
    }
  }
}
