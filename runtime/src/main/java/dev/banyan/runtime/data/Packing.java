package dev.banyan.runtime.data;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.TreeMap;

/**
 * Puts examples into rows of a limited length: the longest first, each into the row that it fills
 * best. No example is cut, so one that is longer than a row has a longer one to itself.
 */
final class Packing {
  private Packing() {}

  /**
   * The rows; the same examples always give the same.
   *
   * @param limit tokens of a row
   */
  static List<List<LearnedTokens>> rows(List<LearnedTokens> examples, int limit) {
    List<LearnedTokens> longestFirst = new ArrayList<>(examples);
    longestFirst.sort(Comparator.comparingInt(LearnedTokens::length).reversed());
    List<List<LearnedTokens>> rows = new ArrayList<>();
    TreeMap<Integer, Deque<List<LearnedTokens>>> byRoom = new TreeMap<>();
    for (LearnedTokens example : longestFirst) {
      var best = byRoom.ceilingEntry(example.length());
      List<LearnedTokens> row;
      int room;
      if (best == null) {
        row = new ArrayList<>();
        rows.add(row);
        room = limit;
      } else {
        row = best.getValue().removeFirst();
        room = best.getKey();
        if (best.getValue().isEmpty()) {
          byRoom.remove(room);
        }
      }
      row.add(example);
      if (room > example.length()) {
        byRoom.computeIfAbsent(room - example.length(), _ -> new ArrayDeque<>()).addLast(row);
      }
    }
    return rows;
  }
}
