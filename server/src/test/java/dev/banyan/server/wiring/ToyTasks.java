package dev.banyan.server.wiring;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Records of every task over made-up words, such that a word by itself decides: an encoder with
 * random weights can learn them.
 */
final class ToyTasks {
  private static final int WORDS = 40;

  private ToyTasks() {}

  /** A tokenizer that knows the words {@code w1} to {@code w39}. */
  static Path tokenizer(Path folder) {
    String words =
        IntStream.range(1, WORDS)
            .mapToObj(id -> "\"w%d\":%d".formatted(id, id))
            .collect(Collectors.joining(","));
    return write(
        folder.resolve("tokenizer.json"),
        """
        {"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
         "pre_tokenizer":{"type":"Whitespace"},"post_processor":null,"decoder":null,
         "model":{"type":"WordLevel","vocab":{"[UNK]":0,%s},"unk_token":"[UNK]"}}
        """
            .formatted(words));
  }

  /** So many lines of a task's data. */
  static Path data(Path file, Function<Random, String> record, int count, long seed) {
    Random random = new Random(seed);
    return write(
        file,
        IntStream.range(0, count)
            .mapToObj(_ -> record.apply(random))
            .collect(Collectors.joining("\n")));
  }

  private static Path write(Path file, String text) {
    try {
      return Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** One in five texts has the word w1, and then the label "rare". */
  static String label(Random random) {
    boolean rare = random.nextInt(5) == 0;
    return "{\"text\": \"%s\", \"label\": \"%s\"}"
        .formatted(text(filler(random), rare ? 1 : 2), rare ? "rare" : "usual");
  }

  /** Each of the words w1 to w3 brings a label. */
  static String labels(Random random) {
    List<Integer> words = filler(random);
    List<String> labels = new ArrayList<>();
    for (int word = 1; word <= 3; word++) {
      if (random.nextBoolean()) {
        words.add(random.nextInt(words.size()), word);
        labels.add("\"has%d\"".formatted(word));
      }
    }
    return "{\"text\": \"%s\", \"labels\": %s}".formatted(text(words), labels);
  }

  /** How many of three words are w1. */
  static String score(Random random) {
    int score = random.nextInt(4);
    List<Integer> words = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      words.add(i < score ? 1 : 2);
    }
    return "{\"text\": \"%s\", \"score\": %d}".formatted(text(words), score);
  }

  /** w1 begins an entity, w2 goes on with it, and every other word is outside. */
  static String tags(Random random) {
    List<Integer> words = filler(random);
    List<String> tags = new ArrayList<>(words.stream().map(_ -> "\"O\"").toList());
    int place = random.nextInt(words.size());
    words.add(place, 1);
    tags.add(place, "\"B-X\"");
    if (random.nextBoolean()) {
      words.add(place + 1, 2);
      tags.add(place + 1, "\"I-X\"");
    }
    return "{\"tokens\": [%s], \"labels\": %s}"
        .formatted(
            words.stream().map(word -> "\"w" + word + "\"").collect(Collectors.joining(", ")),
            tags);
  }

  /** Texts belong together by their subject, of which each has words of its own. */
  static String pair(Random random) {
    int subject = random.nextInt(5);
    return "{\"text\": \"%s\", \"text_pair\": \"%s\"}"
        .formatted(about(subject, random), about(subject, random));
  }

  /** The negative is about the next subject. */
  static String triplet(Random random) {
    int subject = random.nextInt(5);
    return "{\"anchor\": \"%s\", \"positive\": \"%s\", \"negative\": \"%s\"}"
        .formatted(
            about(subject, random), about(subject, random), about((subject + 1) % 5, random));
  }

  /** 1 for one subject, 0 for two. */
  static String scoredPair(Random random) {
    int subject = random.nextInt(5);
    boolean same = random.nextBoolean();
    return "{\"text\": \"%s\", \"text_pair\": \"%s\", \"score\": %d}"
        .formatted(
            about(subject, random),
            about(same ? subject : (subject + 1 + random.nextInt(4)) % 5, random),
            same ? 1 : 0);
  }

  private static String about(int subject, Random random) {
    return text(
        List.of(
            1 + 4 * subject + random.nextInt(4),
            21 + random.nextInt(19),
            1 + 4 * subject + random.nextInt(4)));
  }

  private static List<Integer> filler(Random random) {
    return new ArrayList<>(
        IntStream.range(0, 2 + random.nextInt(3)).mapToObj(_ -> 10 + random.nextInt(30)).toList());
  }

  private static String text(List<Integer> words, int... more) {
    List<Integer> all = new ArrayList<>(words);
    IntStream.of(more).forEach(all::add);
    return all.stream().map(word -> "w" + word).collect(Collectors.joining(" "));
  }
}
