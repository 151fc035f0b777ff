package dev.banyan.artifacts.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class BundleTest {
  static final List<String> FILES = Bundle.FILES;

  @TempDir Path folder;

  @Test
  void whatWasCommittedIsOpened() {
    Path dir = folder.resolve("bundle");
    Bundle written = Manifests.write(dir, "");
    Bundle opened = Bundle.open(dir);
    opened.verify();
    assertThat(opened.manifest()).isEqualTo(written.manifest());
    assertThat(opened.manifest().files().keySet()).containsExactlyInAnyOrderElementsOf(FILES);
    assertThat(opened.file(Bundle.TOKENIZER)).hasContent("tokenizer.json");
  }

  @Test
  void theManifestIsSnakeCaseWithFormatFirstAndDigestLast() throws Exception {
    Bundle bundle = Manifests.write(folder.resolve("bundle"), "");
    byte[] json = Files.readAllBytes(bundle.dir().resolve(Bundle.MANIFEST));
    var object = JsonText.parse("test", json);
    assertThat(object.fieldNames())
        .toIterable()
        .containsExactly(
            "format",
            "version",
            "task",
            "base",
            "text",
            "adapter",
            "parameters",
            "files",
            "digest");
    assertThat(object.at("/text/max_length").intValue()).isEqualTo(256);
    assertThat(object.at("/text/pooling").textValue()).isEqualTo("mean");
    assertThat(object.at("/parameters/0/peft_key").textValue())
        .isEqualTo("encoder.layer.0.query.lora_A.weight");
    assertThat(object.at("/parameters/0/init").textValue()).isEqualTo("kaiming_uniform");
  }

  @ParameterizedTest
  @FieldSource("FILES")
  void aFlippedBitInAnyFileFailsVerification(String name) throws Exception {
    Bundle bundle = Manifests.write(folder.resolve("bundle"), "");
    byte[] bytes = Files.readAllBytes(bundle.file(name));
    bytes[bytes.length / 2] ^= 4;
    Files.write(bundle.file(name), bytes);
    assertThatExceptionOfType(CorruptArtifact.class)
        .isThrownBy(bundle::verify)
        .withMessageContaining(name);
  }

  @ParameterizedTest
  @FieldSource("FILES")
  void aCutFileIsFoundOnOpening(String name) throws Exception {
    Bundle bundle = Manifests.write(folder.resolve("bundle"), "");
    Files.writeString(bundle.file(name), name.substring(1));
    assertThatExceptionOfType(CorruptArtifact.class)
        .isThrownBy(() -> Bundle.open(bundle.dir()))
        .withMessageContainingAll(name, "bytes");
  }

  @ParameterizedTest
  @FieldSource("FILES")
  void aMissingFileIsFoundOnOpening(String name) throws Exception {
    Bundle bundle = Manifests.write(folder.resolve("bundle"), "");
    Files.delete(bundle.file(name));
    assertThatExceptionOfType(CorruptArtifact.class)
        .isThrownBy(() -> Bundle.open(bundle.dir()))
        .withMessageContaining(name);
  }

  @Test
  void aFolderWithoutManifestIsNoBundle() {
    assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(() -> Bundle.open(folder))
        .withMessageContainingAll(folder.toString(), "banyan prepare");
  }

  @Test
  void aFileThatIsNotOfTheBundleIsNotHandedOut() {
    Bundle bundle = Manifests.write(folder.resolve("bundle"), "");
    assertThatIllegalArgumentException().isThrownBy(() -> bundle.file("../secret"));
  }

  @Test
  void closingWithoutACommitLeavesNothing() throws Exception {
    try (BundleWriter writer = new BundleWriter(folder.resolve("bundle"))) {
      Manifests.fill(writer, "");
    }
    assertThat(children()).isEmpty();
  }

  @Test
  void aForgottenFileFailsTheCommitAndLeavesTheOldBundle() throws Exception {
    Path dir = folder.resolve("bundle");
    Manifests.write(dir, "old");
    try (BundleWriter writer = new BundleWriter(dir)) {
      Manifests.fill(writer, "new");
      Files.delete(writer.path(Bundle.CHECKPOINT));
      assertThatIllegalStateException()
          .isThrownBy(() -> writer.commit(Manifests.manifest()))
          .withMessageContaining(Bundle.CHECKPOINT);
    }
    assertThat(Bundle.open(dir).file(Bundle.TOKENIZER)).hasContent("tokenizer.jsonold");
    assertThat(children()).containsExactly(dir);
  }

  @Test
  void aNewBundleReplacesAnOldOne() throws Exception {
    Path dir = folder.resolve("bundle");
    Manifests.write(dir, "old");
    Manifests.write(dir, "new");
    assertThat(Bundle.open(dir).file(Bundle.TOKENIZER)).hasContent("tokenizer.jsonnew");
    assertThat(children()).containsExactly(dir);
  }

  @Test
  void aFolderOfSomethingElseIsNotReplaced() throws Exception {
    Path dir = Files.createDirectory(folder.resolve("photos"));
    Files.writeString(dir.resolve("me.jpg"), "");
    assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(() -> new BundleWriter(dir))
        .withMessageContaining(dir.toString());
    assertThat(children()).containsExactly(dir);
  }

  @Test
  void anEmptyFolderIsTaken() throws Exception {
    Path dir = Files.createDirectory(folder.resolve("bundle"));
    Manifests.write(dir, "").verify();
  }

  @Test
  void rankAndLabelsAreFilledIntoShapes() {
    List<ParameterSpec> parameters = Manifests.manifest().parameters();
    assertThat(parameters.get(0).shape(8, 3)).isEqualTo(Shape.of(384, 8));
    assertThat(parameters.get(1).shape(8, 3)).isEqualTo(Shape.of(3));
  }

  @Test
  void anUnknownDimensionIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> ParameterSpec.common("p", List.of("batch"), Initializer.ZEROS, Layout.SAME))
        .withMessageContainingAll("'p'", "'batch'");
  }

  private List<Path> children() throws IOException {
    try (Stream<Path> children = Files.list(folder)) {
      return children.toList();
    }
  }
}
