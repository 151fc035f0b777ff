package dev.banyan.runtime;

import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.training.TrainingData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** What the tiny model learns in most tests. */
public final class TinyData {
  private TinyData() {}

  /** 200 examples to learn from and 60 to judge by, {@code train.jsonl} and {@code eval.jsonl}. */
  public static TrainingData write(Path folder) throws IOException {
    Path train = Files.writeString(folder.resolve("train.jsonl"), examples(200, 1));
    Path eval = Files.writeString(folder.resolve("eval.jsonl"), examples(60, 2));
    return new TrainingData(Dataset.read(train), Optional.of(Dataset.read(eval)));
  }

  /** Lines of data: which of three kinds of word a sentence has decides its label. */
  public static String examples(int count, long seed) {
    Map<String, List<String>> kinds =
        Map.of(
            "colour",
            TinyBundle.WORDS.subList(0, 3),
            "fruit",
            TinyBundle.WORDS.subList(3, 6),
            "animal",
            TinyBundle.WORDS.subList(6, 9));
    List<String> names = List.of("colour", "fruit", "animal");
    Random random = new Random(seed);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < count; i++) {
      String label = names.get(random.nextInt(names.size()));
      StringBuilder text = new StringBuilder();
      for (int word = random.nextInt(5); word >= 0; word--) {
        text.append(TinyBundle.WORDS.get(9 + random.nextInt(7))).append(' ');
      }
      text.append(kinds.getOrDefault(label, List.of("?")).get(random.nextInt(3)));
      lines.append("{\"text\": \"%s\", \"label\": \"%s\"}\n".formatted(text, label));
    }
    return lines.toString();
  }
}
