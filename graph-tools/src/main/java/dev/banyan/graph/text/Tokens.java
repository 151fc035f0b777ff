package dev.banyan.graph.text;

import dev.banyan.graph.GraphFailure.MalformedText;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The words of a text, one after the other. */
final class Tokens {
  private static final Pattern TOKEN =
      Pattern.compile(
          "\\s+|#[^\\n]*|(?<word>\"(?:[^\"\\\\]|\\\\.)*\"|"
              + "-?\\d+(?:\\.\\d*)?(?:[eE][-+]?\\d+)?|-Infinity|=>|\\.\\.\\.|[\\[\\](){}<>,:=?]|"
              + Names.BARE.pattern()
              + ")");

  /** What stands behind the last word. */
  private static final String END = "";

  private record Token(String word, int line) {}

  private final List<Token> tokens = new ArrayList<>();
  private int next;

  Tokens(String text) {
    Matcher matcher = TOKEN.matcher(text);
    int line = 1;
    int at = 0;
    while (at < text.length()) {
      matcher.region(at, text.length());
      if (!matcher.lookingAt()) {
        throw new MalformedText("Line %d: cannot read '%s'".formatted(line, text.charAt(at)));
      }
      String word = matcher.group("word");
      if (word != null) {
        tokens.add(new Token(word, line));
      }
      line += Math.toIntExact(matcher.group().chars().filter(c -> c == '\n').count());
      at = matcher.end();
    }
    tokens.add(new Token(END, line));
  }

  /** The next word, which stays the next. */
  String peek() {
    return tokens.get(next).word();
  }

  String take() {
    String word = peek();
    if (!word.equals(END)) {
      next++;
    }
    return word;
  }

  boolean nextIs(String word) {
    return peek().equals(word);
  }

  /** Takes the next word if it is this one. */
  boolean takeIf(String word) {
    boolean is = nextIs(word);
    if (is) {
      next++;
    }
    return is;
  }

  /** Takes this word. */
  void expect(String word) {
    if (!takeIf(word)) {
      throw unexpected("'" + word + "'");
    }
  }

  /** Takes a bare or quoted name. */
  String name() {
    if (isQuoted()) {
      return Names.unquote(take());
    }
    if (Names.BARE.matcher(peek()).matches()) {
      return take();
    }
    throw unexpected("a name");
  }

  boolean isQuoted() {
    return peek().startsWith("\"");
  }

  void expectEnd() {
    if (!nextIs(END)) {
      throw unexpected("the end");
    }
  }

  MalformedText unexpected(String expected) {
    String seen = nextIs(END) ? "the end" : "'" + peek() + "'";
    return new MalformedText(
        "Line %d: expected %s, found %s".formatted(tokens.get(next).line(), expected, seen));
  }
}
