package dev.banyan.graph.site;

import dev.banyan.artifacts.bundle.LayerPart;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;

/** What a site is in its model, and with that what an adapter has to do there. */
public sealed interface SiteKind {
  /** Looks rows up in a table that is stored in few bits. */
  OpId LOOK_UP_FEW_BITS = OpId.microsoft("GatherBlockQuantized");

  /** Its name in listings and messages. */
  String text();

  /** Multiplies by a weight {@code [in, out]}. */
  record Linear() implements SiteKind {
    @Override
    public String text() {
      return "linear layer";
    }
  }

  /**
   * Looks up rows of a table {@code [in, out]}, where {@code in} is the number of rows: embeddings
   * of tokens, of their positions or of their types.
   */
  record Embedding() implements SiteKind {
    @Override
    public String text() {
      return "embedding";
    }
  }

  /**
   * Multiplies each window of an image {@code [batch, in, height, width]} by a weight {@code [out,
   * in, height, width]}: a {@code Conv} of one group whose windows have no gaps.
   */
  record Convolution() implements SiteKind {
    @Override
    public String text() {
      return "convolution";
    }
  }

  /**
   * Some columns of what a linear layer gives, such as the query of a layer that computes query,
   * key and value.
   *
   * @param columns which
   */
  record Part(LayerPart columns) implements SiteKind {
    @Override
    public String text() {
      return "part of a linear layer";
    }
  }

  /** The kind of a site's node, taken as a whole. */
  static SiteKind of(Node node) {
    if (node.op().is("Conv")) {
      return new Convolution();
    }
    boolean table = node.op().is("Gather") || node.op().equals(LOOK_UP_FEW_BITS);
    return table ? new Embedding() : new Linear();
  }
}
