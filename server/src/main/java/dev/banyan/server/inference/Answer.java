package dev.banyan.server.inference;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.Digest;
import java.util.List;

/**
 * The answer to a query, all of it by one version of one model.
 *
 * @param digest the version that answered
 * @param task what it was trained for
 * @param labels its labels, index = class; empty if it has no head
 * @param rows one a text, in order
 * @param tokens tokens of all texts
 */
public record Answer(
    Digest digest, Task task, List<String> labels, List<RowAnswer> rows, int tokens) {
  /** Copies the lists. */
  public Answer {
    labels = List.copyOf(labels);
    rows = List.copyOf(rows);
  }
}
