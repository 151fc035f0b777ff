package dev.banyan.runtime.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class DatasetTest {
  @TempDir Path folder;

  @Test
  void jsonLinesKeepTheirOrderAndIgnoreOtherKeys() throws IOException {
    Dataset data =
        Dataset.read(
            file(
                "a.jsonl",
                """
                {"text": "Où est mon colis ?", "label": "shipping", "id": 7}

                {"text": "x", "text_pair": "y", "label": 3}
                """));
    assertThat(data.examples(Example.Labelled::of))
        .containsExactly(
            new Example.Labelled(Text.of("Où est mon colis ?"), "shipping", 1),
            new Example.Labelled(new Text("x", Optional.of("y")), "3", 3));
  }

  @Test
  void csvFieldsMayHoldCommasQuotesAndLineBreaks() throws IOException {
    Dataset data =
        Dataset.read(file("a.csv", "label,text\r\nA,\"one, \"\"two\"\"\nthree\"\r\nB,plain\r\n"));
    assertThat(data.examples(Example.Labelled::of))
        .containsExactly(
            new Example.Labelled(Text.of("one, \"two\"\nthree"), "A", 2),
            new Example.Labelled(Text.of("plain"), "B", 4));
  }

  @Test
  void contentDecidesWhereTheEndingDoesNot() throws IOException {
    assertThat(Dataset.read(file("a.txt", "{\"text\": \"x\"}\n")).size()).isEqualTo(1);
    assertThat(
            Dataset.read(file("b.txt", "\uFEFFtext,label\nx,y\n")).examples(Example.Labelled::of))
        .containsExactly(new Example.Labelled(Text.of("x"), "y", 2));
  }

  @Test
  void numbersOfCsvAreNumbers() throws IOException {
    assertThat(
            Dataset.read(file("a.csv", "text,score\nx,-1.5\ny,2e1\n")).examples(Example.Scored::of))
        .extracting(Example.Scored::score)
        .containsExactly(-1.5, 20.0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "not json | this is not JSON",
        "[1] | this is not a JSON object",
        "{\"text\": \"a\"} {} | this is not JSON",
      })
  void lineThatIsNoObjectIsNamed(String line, String problem) throws IOException {
    Path file = file("bad.jsonl", "{\"text\": \"fine\"}\n" + line + "\n");
    assertThatThrownBy(() -> Dataset.read(file))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessageStartingWith(file + ", line 2: " + problem);
  }

  static Stream<Arguments> badRecords() {
    String text = "{\"text\": \"a\", ";
    return Stream.of(
        bad(
            "{\"label\": \"a\"}",
            Example.Labelled::of,
            "the key \"text\" is missing; there are [label]"),
        bad("{\"text\": 3}", Example.Labelled::of, "\"text\" is not a string but 3"),
        bad(
            "{\"text\": \"a\"}",
            Example.Labelled::of,
            "the key \"label\" is missing; there are [text]"),
        bad(text + "\"label\": [1]}", Example.Labelled::of, "\"label\" is not a string but [1]"),
        bad(
            text + "\"labels\": \"x\"}",
            Example.MultiLabelled::of,
            "\"labels\" is \"x\"; expected a list"),
        bad(
            text + "\"labels\": [{}]}",
            Example.MultiLabelled::of,
            "\"labels[0]\" is not a string but {}"),
        bad(
            text + "\"score\": \"high\"}",
            Example.Scored::of,
            "\"score\" is \"high\"; expected a number"),
        bad(text + "\"score\": true}", Example.Scored::of, "\"score\" is true; expected a number"),
        bad(
            "{\"tokens\": [\"a\", \"b\"], \"labels\": [\"O\"]}",
            Example.Tagged::of,
            "\"tokens\" has 2 words and \"labels\" 1; expected one label for each word"),
        bad(
            "{\"tokens\": [\"a\", \" \"], \"labels\": [\"O\", \"O\"]}",
            Example.Tagged::of,
            "\"tokens[1]\" is blank; expected a word"),
        bad(
            "{\"text\": \"a\"}",
            Example.Matched::pair,
            "the key \"text_pair\" (or \"positive\") is missing; there are [text]"),
        bad(
            "{\"anchor\": \"a\", \"positive\": \"b\", \"negative\": \"c\"}",
            Example.Matched::pair,
            "there is a \"negative\", but the bundle was prepared for pairs"),
        bad(
            "{\"anchor\": \"a\", \"positive\": \"b\"}",
            Example.Matched::triplet,
            "the key \"negative\" is missing; there are [anchor, positive]"),
        bad(
            text + "\"text_pair\": \"b\", \"score\": 4.5}",
            Example.ScoredPair::of,
            "\"score\" is 4.5; expected a cosine, from -1 to 1"));
  }

  private static Arguments bad(String line, Function<DataRow, Example> kind, String problem) {
    return Arguments.of(line, kind, problem);
  }

  @ParameterizedTest
  @MethodSource("badRecords")
  void recordOfAnotherKindIsNamed(String line, Function<DataRow, Example> kind, String problem)
      throws IOException {
    Path file = file("bad.jsonl", "\n" + line + "\n");
    Dataset data = Dataset.read(file);
    assertThatThrownBy(() -> data.examples(kind))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessageStartingWith(file + ", line 2: " + problem);
  }

  @Test
  void csvWithoutTextColumnNamesTheColumnsItHas() throws IOException {
    Dataset data = Dataset.read(file("bad.csv", "sentence,label\nx,y\n"));
    assertThatThrownBy(() -> data.examples(Example.Labelled::of))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessageContaining("the key \"text\" is missing; there are [sentence, label]");
  }

  @Test
  void csvRowWithTooFewOrTooManyFieldsIsNamed() throws IOException {
    Path few = file("few.csv", "text,label\nx,y\nz\n");
    assertThatThrownBy(() -> Dataset.read(few))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessageStartingWith(few + ", line 3: ");
    Path many = file("many.csv", "text,label\nx,y\na,b,c\n");
    assertThatThrownBy(() -> Dataset.read(many))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessageStartingWith(many + ", line 3: ");
  }

  @Test
  void lineThatIsNotUtf8IsNamed() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes("{\"text\": \"fine\"}\n{\"text\": \"caf".getBytes(StandardCharsets.UTF_8));
    bytes.write(0xE9);
    bytes.writeBytes("\"}\n".getBytes(StandardCharsets.UTF_8));
    Path file = Files.write(folder.resolve("latin1.jsonl"), bytes.toByteArray());
    assertThatThrownBy(() -> Dataset.read(file))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessage(file + ", line 2: byte 0xe9 is not UTF-8; save the file as UTF-8");
  }

  @Test
  void characterCutOffAtTheEndIsNamedToo() throws IOException {
    Path file =
        Files.write(folder.resolve("cut.jsonl"), new byte[] {'{', '\n', (byte) 0xE2, (byte) 0x82});
    assertThatThrownBy(() -> Dataset.read(file))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessageStartingWith(file + ", line 2: byte 0xe2");
  }

  @ParameterizedTest
  @CsvSource({"empty.jsonl, ''", "blank.jsonl, ' \n\n'", "header.csv, 'text,label\n'"})
  void fileWithoutExamplesIsNamed(String name, String content) throws IOException {
    Path file = file(name, content);
    assertThatThrownBy(() -> Dataset.read(file))
        .isInstanceOf(DataFailure.Empty.class)
        .hasMessageStartingWith(file + " holds no example");
  }

  @Test
  void missingFileIsNamed() {
    assertThatThrownBy(() -> Dataset.read(folder.resolve("none.jsonl")))
        .isInstanceOf(DataFailure.Unreadable.class)
        .hasMessage(folder.resolve("none.jsonl") + " cannot be read: there is no such file");
  }

  private Path file(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }
}
