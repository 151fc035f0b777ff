package dev.banyan.runtime.report;

/** Text as part of a page or picture. */
public final class Html {
  private Html() {}

  /** The text with everything written out that would be read as markup. */
  public static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
