package dev.banyan.runtime.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
                {"text": "no label"}
                """));
    assertThat(data.examples())
        .containsExactly(
            new Example("Où est mon colis ?", Optional.empty(), Optional.of("shipping"), 1),
            new Example("x", Optional.of("y"), Optional.of("3"), 3),
            new Example("no label", Optional.empty(), Optional.empty(), 4));
  }

  @Test
  void csvFieldsMayHoldCommasQuotesAndLineBreaks() throws IOException {
    Dataset data =
        Dataset.read(
            file(
                "a.csv",
                "label,text\r\nA,\"one, \"\"two\"\"\nthree\"\r\nB,plain\r\n,no label\r\n"));
    assertThat(data.examples())
        .extracting(Example::text, Example::label)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("one, \"two\"\nthree", Optional.of("A")),
            org.assertj.core.groups.Tuple.tuple("plain", Optional.of("B")),
            org.assertj.core.groups.Tuple.tuple("no label", Optional.empty()));
  }

  @Test
  void contentDecidesWhereTheEndingDoesNot() throws IOException {
    assertThat(Dataset.read(file("a.txt", "{\"text\": \"x\"}\n")).size()).isEqualTo(1);
    assertThat(Dataset.read(file("b.txt", "\uFEFFtext,label\nx,y\n")).examples())
        .containsExactly(new Example("x", Optional.empty(), Optional.of("y"), 2));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "not json | this is not JSON",
        "[1] | this is not a JSON object",
        "{\"label\": \"a\"} | the key \"text\" is missing",
        "{\"text\": 3} | \"text\" is not a string",
        "{\"text\": \"a\", \"label\": [1]} | \"label\" is not a string",
        "{\"text\": \"a\"} {} | this is not JSON",
      })
  void badJsonLineIsNamed(String line, String problem) throws IOException {
    Path file = file("bad.jsonl", "{\"text\": \"fine\"}\n" + line + "\n");
    assertThatThrownBy(() -> Dataset.read(file))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessageStartingWith(file + ", line 2: " + problem);
  }

  @Test
  void csvWithoutTextColumnNamesTheColumnsItHas() throws IOException {
    Path file = file("bad.csv", "sentence,label\nx,y\n");
    assertThatThrownBy(() -> Dataset.read(file))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessageContaining("[sentence, label]")
        .hasMessageContaining("expected one named text");
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
