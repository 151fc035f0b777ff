package dev.banyan.server.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Holds the quickstart's data to what a measured accuracy needs: enough texts, balanced labels, and
 * nothing in the held-out part that training has all but seen.
 */
@NullMarked
class DataSetsTest {

  /**
   * Two English sentences about one topic share about a quarter of their words, mostly function
   * words; a paraphrase that keeps its frame shares half and more. The nearest pair in these sets
   * is at about 0.3.
   */
  private static final double LEAK = 0.5;

  /**
   * Inside the training part two texts may share a topic and a frame, but not be one text with a
   * word changed.
   */
  private static final double NEAR_COPY = 0.8;

  /**
   * Texts filled into a template begin alike; in free writing a rare opening of four words comes
   * twice at most.
   */
  private static final int SAME_OPENING = 5;

  private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}']+");
  private static final ObjectMapper JSON = new ObjectMapper();

  @ParameterizedTest
  @ValueSource(strings = {"harbor-bank", "green-table", "night-ops"})
  void everyTenantHasEnoughTextsOfEveryLabel(String tenant) {
    var train = countByLabel(read(tenant, "train"));
    var eval = countByLabel(read(tenant, "eval"));

    assertThat(total(train)).isGreaterThanOrEqualTo(200);
    assertThat(total(eval)).isGreaterThanOrEqualTo(60);
    assertThat(train).hasSizeBetween(3, 6);
    assertThat(eval).containsOnlyKeys(train.keySet());
    assertBalanced(train);
    assertBalanced(eval);
  }

  @ParameterizedTest
  @ValueSource(strings = {"harbor-bank", "green-table", "night-ops"})
  void everyTextIsOfRealisticLengthAndEveryLabelIsAName(String tenant) {
    assertThat(all(tenant))
        .allSatisfy(
            example -> {
              assertThat(example.text()).isEqualTo(example.text().strip());
              assertThat(words(example.text())).hasSizeBetween(3, 60);
              assertThat(example.label()).matches("[a-z]+([_-][a-z]+)*");
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"harbor-bank", "green-table", "night-ops"})
  void noTextIsWrittenTwice(String tenant) {
    assertThat(all(tenant).stream().map(example -> words(example.text()))).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @ValueSource(strings = {"harbor-bank", "green-table", "night-ops"})
  void noHeldOutTextRepeatsATrainingText(String tenant) {
    var train = read(tenant, "train");
    var leaks = new ArrayList<String>();
    for (var heldOut : read(tenant, "eval")) {
      for (var seen : train) {
        collectIfAlike(heldOut, seen, LEAK, leaks);
      }
    }
    assertThat(leaks).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"harbor-bank", "green-table", "night-ops"})
  void noTrainingTextIsANearCopyOfAnother(String tenant) {
    var train = read(tenant, "train");
    var copies = new ArrayList<String>();
    for (int i = 0; i < train.size(); i++) {
      for (var later : train.subList(i + 1, train.size())) {
        collectIfAlike(train.get(i), later, NEAR_COPY, copies);
      }
    }
    assertThat(copies).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"harbor-bank", "green-table", "night-ops"})
  void textsDoNotFollowATemplate(String tenant) {
    var openings =
        all(tenant).stream()
            .map(
                example -> words(example.text()).stream().limit(4).collect(Collectors.joining(" ")))
            .collect(Collectors.groupingBy(opening -> opening, Collectors.counting()));

    assertThat(openings)
        .allSatisfy(
            (opening, count) ->
                assertThat(count)
                    .as("texts that open with \"%s\"", opening)
                    .isLessThanOrEqualTo(SAME_OPENING));
  }

  private record Example(String text, String label) {}

  private static List<Example> all(String tenant) {
    return Stream.of("train", "eval").flatMap(part -> read(tenant, part).stream()).toList();
  }

  private static List<Example> read(String tenant, String part) {
    var resource = "/quickstart/" + tenant + "/" + part + ".jsonl";
    try (InputStream in = DataSetsTest.class.getResourceAsStream(resource)) {
      assertThat(in).as(resource).isNotNull();
      var examples = new ArrayList<Example>();
      for (var line : new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
        examples.add(JSON.readValue(line, Example.class));
      }
      return examples;
    } catch (IOException e) {
      throw new AssertionError("Cannot read " + resource, e);
    }
  }

  private static Map<String, Long> countByLabel(List<Example> examples) {
    return examples.stream()
        .collect(Collectors.groupingBy(Example::label, TreeMap::new, Collectors.counting()));
  }

  private static long total(Map<String, Long> counts) {
    return counts.values().stream().mapToLong(Long::longValue).sum();
  }

  private static void assertBalanced(Map<String, Long> counts) {
    var sorted = counts.values().stream().sorted().toList();
    assertThat((double) sorted.getLast() / sorted.getFirst())
        .as("largest label over smallest")
        .isLessThanOrEqualTo(1.5);
  }

  private static List<String> words(String text) {
    return WORD.matcher(text.toLowerCase(Locale.ROOT))
        .results()
        .map(match -> match.group())
        .toList();
  }

  private static void collectIfAlike(Example a, Example b, double bound, List<String> found) {
    double overlap = jaccard(Set.copyOf(words(a.text())), Set.copyOf(words(b.text())));
    if (overlap >= bound) {
      found.add("%.2f: \"%s\" and \"%s\"".formatted(overlap, a.text(), b.text()));
    }
  }

  private static double jaccard(Set<String> a, Set<String> b) {
    var common = new HashSet<>(a);
    common.retainAll(b);
    return (double) common.size() / (a.size() + b.size() - common.size());
  }
}
