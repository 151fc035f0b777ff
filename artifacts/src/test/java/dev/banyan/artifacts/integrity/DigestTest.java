package dev.banyan.artifacts.integrity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DigestTest {
  /** The published test vector of SHA-256 for "abc". */
  private static final String ABC =
      "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  @Test
  void bytesAndFileGiveThePublishedDigest(@TempDir Path folder) throws Exception {
    byte[] abc = "abc".getBytes(StandardCharsets.US_ASCII);
    assertThat(Digest.of(abc)).hasToString(ABC);
    assertThat(Digest.of(Files.write(folder.resolve("abc"), abc))).isEqualTo(Digest.parse(ABC));
  }

  @Test
  void neighbouringTextsDoNotRunTogether() {
    assertThat(Digest.builder().add("ab").add("c").build())
        .isNotEqualTo(Digest.builder().add("a").add("bc").build());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "sha256:",
        "md5:ba7816bf8f01cfea414140de5dae2223",
        "sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
      })
  void anythingButThePrefixAndSixtyFourDigitsIsRefused(String text) {
    assertThatIllegalArgumentException().isThrownBy(() -> Digest.parse(text));
  }
}
