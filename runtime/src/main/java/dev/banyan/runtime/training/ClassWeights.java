package dev.banyan.runtime.training;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.ArtifactException;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.runtime.data.DataFailure;
import dev.banyan.runtime.data.LabelSet;
import dev.banyan.runtime.data.Targets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** How much each label counts. */
public sealed interface ClassWeights {
  /** All the same. */
  record Equal() implements ClassWeights {
    @Override
    public List<Double> of(LabelSet labels, Targets targets) {
      return Collections.nCopies(labels.size(), 1.0);
    }
  }

  /**
   * The rarer the more, so that all labels together count the same: answers / (labels * answers of
   * this label), as scikit-learn has it. A label without answers counts 1.
   */
  record Balanced() implements ClassWeights {
    @Override
    public List<Double> of(LabelSet labels, Targets targets) {
      long[] counts = new long[labels.size()];
      answers(targets).forEach(id -> counts[id]++);
      long all = 0;
      for (long count : counts) {
        all += count;
      }
      List<Double> weights = new ArrayList<>();
      for (long count : counts) {
        weights.add(count == 0 ? 1 : (double) all / (counts.length * count));
      }
      return weights;
    }

    private static Stream<Integer> answers(Targets targets) {
      return switch (targets) {
        case Targets.Classes classes -> classes.ids().stream();
        case Targets.Tags tags ->
            tags.ids().stream().flatMap(List::stream).filter(id -> id != Targets.IGNORED);
        case Targets.ClassSets _, Targets.Values _, Targets.NextTokens _, Targets.None _ ->
            Stream.empty();
      };
    }
  }

  /**
   * As a file says.
   *
   * @param byLabel a weight for each label
   * @param file where they come from
   */
  record Given(Map<String, Double> byLabel, Path file) implements ClassWeights {
    /** Copies the map. */
    public Given {
      byLabel = Collections.unmodifiableMap(new LinkedHashMap<>(byLabel));
    }

    @Override
    public List<Double> of(LabelSet labels, Targets targets) {
      if (!byLabel.keySet().containsAll(labels.names()) || byLabel.size() != labels.size()) {
        throw new DataFailure.BadLabels(
            "%s has weights for %s; expected one for each of the labels %s"
                .formatted(file, byLabel.keySet(), labels.names()));
      }
      return labels.names().stream().map(byLabel::get).toList();
    }
  }

  /**
   * The weights by class id.
   *
   * @param targets the right answers of the training data
   * @throws DataFailure.BadLabels if they are for other labels
   */
  List<Double> of(LabelSet labels, Targets targets);

  /**
   * What a flag says: {@code balanced}, or a JSON file such as {@code {"spam": 3, "ham": 1}}.
   *
   * @throws DataFailure if the file cannot be read, or a weight is not a number from 0 on
   */
  static ClassWeights parse(String text) {
    return text.equals("balanced") ? new Balanced() : read(Path.of(text));
  }

  private static Given read(Path file) {
    Map<String, Double> weights = new LinkedHashMap<>();
    for (var entry : object(file).properties()) {
      double weight = entry.getValue().isNumber() ? entry.getValue().doubleValue() : Double.NaN;
      if (!(weight >= 0) || !Double.isFinite(weight)) {
        throw new DataFailure.BadLabels(
            "%s: the weight of \"%s\" is %s; expected a number from 0 on"
                .formatted(file, entry.getKey(), entry.getValue()));
      }
      weights.put(entry.getKey(), weight);
    }
    return new Given(weights, file);
  }

  private static ObjectNode object(Path file) {
    try {
      return JsonText.parse(file.toString(), Files.readAllBytes(file));
    } catch (ArtifactException | IOException e) {
      throw new DataFailure.Unreadable(
          file,
          "expected a JSON object of label and weight, or 'balanced' in its place (%s)"
              .formatted(e.getMessage()),
          e);
    }
  }
}
