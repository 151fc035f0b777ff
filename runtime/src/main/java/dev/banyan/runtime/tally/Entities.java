package dev.banyan.runtime.tally;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The entities that labels of the BIO form make: {@code B-X} begins one of kind X, {@code I-X} goes
 * on with it, {@code O} is outside. An {@code I-X} with nothing to go on with begins one, as in the
 * evaluation of CoNLL.
 */
final class Entities {
  private static final String OUTSIDE = "O";

  /**
   * One entity.
   *
   * @param kind what is behind {@code B-}
   * @param first place of its first word
   * @param end place behind its last word
   */
  record Entity(String kind, int first, int end) {}

  private Entities() {}

  /** Whether all labels are of the form, and not all outside. */
  static boolean areMarkedBy(List<String> labels) {
    return labels.stream().allMatch(label -> label.equals(OUTSIDE) || label.matches("[BI]-.+"))
        && labels.stream().anyMatch(label -> !label.equals(OUTSIDE));
  }

  /** The entities of a sentence; labels of another form make none. */
  static Set<Entity> of(List<String> labels) {
    Set<Entity> entities = new HashSet<>();
    String kind = "";
    int first = 0;
    for (int i = 0; i <= labels.size(); i++) {
      String label = i < labels.size() ? labels.get(i) : OUTSIDE;
      boolean goesOn = label.startsWith("I-") && kind.equals(label.substring(2));
      if (!goesOn) {
        if (!kind.isEmpty()) {
          entities.add(new Entity(kind, first, i));
        }
        kind = label.matches("[BI]-.+") ? label.substring(2) : "";
        first = i;
      }
    }
    return entities;
  }
}
