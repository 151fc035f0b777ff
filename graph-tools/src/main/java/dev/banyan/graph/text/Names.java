package dev.banyan.graph.text;

import java.util.regex.Pattern;

/** Names and strings as the text has them. */
final class Names {
  /** A colon belongs to a name only if the name goes on behind it: {@code onnx::MatMul_787}. */
  static final Pattern BARE = Pattern.compile("[A-Za-z_/](?:[\\w./-]|:+(?=[A-Za-z_]))*");

  private Names() {}

  /** The name, in quotes if it needs them. */
  static String quoteIfNeeded(String name) {
    return BARE.matcher(name).matches() ? name : quote(name);
  }

  static String quote(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
  }

  /** The text that {@link #quote} was given. */
  static String unquote(String quoted) {
    StringBuilder text = new StringBuilder();
    for (int i = 1; i < quoted.length() - 1; i++) {
      char c = quoted.charAt(i);
      if (c == '\\') {
        i++;
        c = quoted.charAt(i) == 'n' ? '\n' : quoted.charAt(i);
      }
      text.append(c);
    }
    return text.toString();
  }
}
