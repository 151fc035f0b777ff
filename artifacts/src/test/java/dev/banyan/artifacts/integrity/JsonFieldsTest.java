package dev.banyan.artifacts.integrity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class JsonFieldsTest {
  private static final JsonFields FIELDS =
      new JsonFields(
          "some.json",
          JsonText.parse(
              "some.json",
              """
              {"text": "t", "number": 5000000000, "flag": true, "list": ["a", "b"], "object": {},
               "objects": [{}], "fraction": 1.5, "mixed": ["a", 1]}
              """
                  .getBytes(StandardCharsets.UTF_8)));

  @Test
  void everyKindIsRead() {
    assertThat(FIELDS.text("text")).isEqualTo("t");
    assertThat(FIELDS.number("number")).isEqualTo(5_000_000_000L);
    assertThat(FIELDS.flag("flag")).isTrue();
    assertThat(FIELDS.texts("list")).containsExactly("a", "b");
    assertThat(FIELDS.object("object").names()).isEmpty();
    assertThat(FIELDS.objects("objects")).hasSize(1);
    assertThat(FIELDS.<Integer>parsed("text", String::length)).isEqualTo(1);
  }

  @Test
  void aMissingKeyOrAnotherKindIsCorruptAndNamesTheKey() {
    Map<String, List<Function<String, Object>>> wrong =
        Map.of(
            "absent",
            List.of(
                FIELDS::text,
                FIELDS::number,
                FIELDS::flag,
                FIELDS::texts,
                FIELDS::object,
                FIELDS::objects),
            "number",
            List.of(FIELDS::text, FIELDS::integer, FIELDS::flag),
            "fraction",
            List.of(FIELDS::number),
            "mixed",
            List.of(FIELDS::texts, FIELDS::objects));
    wrong.forEach(
        (key, reads) ->
            reads.forEach(
                read ->
                    assertThatExceptionOfType(CorruptArtifact.class)
                        .isThrownBy(() -> read.apply(key))
                        .withMessageContainingAll("some.json", "\"" + key + "\"")));
  }
}
