package dev.banyan.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.server.problem.ServerProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdapterFolderTest {
  @TempDir Path temp;
  private Path root;

  @BeforeEach
  void adapters() throws IOException {
    root = Files.createDirectories(temp.resolve("adapters"));
    adapter(root.resolve("acme/intent"));
    adapter(root.resolve("acme/mood"));
    adapter(root.resolve("zoo/animals"));
    adapter(temp.resolve("outside"));
  }

  private static void adapter(Path directory) throws IOException {
    Files.createDirectories(directory);
    Files.writeString(directory.resolve("adapter_config.json"), "{}");
  }

  @Test
  void everyAdapterIsFoundByTenantAndName() throws IOException {
    Files.createDirectories(root.resolve("acme/empty"));
    Files.createDirectories(root.resolve("acme/.hidden"));
    Files.writeString(root.resolve("README"), "no adapter");

    assertThat(new AdapterFolder(root).scan().keySet())
        .extracting(AdapterName::toString)
        .containsExactly("acme/intent", "acme/mood", "zoo/animals");
  }

  @Test
  void aDirectoryInsideTheFolderIsFound() throws IOException {
    assertThat(new AdapterFolder(root).find("acme/intent"))
        .isEqualTo(root.resolve("acme/intent").toRealPath());
  }

  @ParameterizedTest
  @ValueSource(strings = {"../outside", "acme/../../outside", "/etc", ".", "..", ""})
  void aPathOutOfTheFolderIsRefused(String path) {
    assertThatThrownBy(() -> new AdapterFolder(root).find(path))
        .isInstanceOf(ServerProblem.BadRequest.class)
        .hasMessageContaining("leads out of the adapters folder");
  }

  @Test
  void aLinkOutOfTheFolderIsRefused() throws IOException {
    Files.createSymbolicLink(root.resolve("acme/link"), temp.resolve("outside"));

    assertThatThrownBy(() -> new AdapterFolder(root).find("acme/link"))
        .isInstanceOf(ServerProblem.BadRequest.class);
  }

  @Test
  void aLinkedConfigOutOfTheFolderIsRefused() throws IOException {
    Path directory = Files.createDirectories(root.resolve("acme/linked"));
    Files.createSymbolicLink(
        directory.resolve("adapter_config.json"), temp.resolve("outside/adapter_config.json"));

    assertThatThrownBy(() -> new AdapterFolder(root).find("acme/linked"))
        .isInstanceOf(ServerProblem.BadRequest.class);
  }

  @Test
  void aDirectoryWithoutAnAdapterIsUnknown() {
    assertThatThrownBy(() -> new AdapterFolder(root).find("acme/none"))
        .isInstanceOf(ServerProblem.UnknownModel.class)
        .hasMessageContaining("acme/none");
  }

  @Test
  void aMissingFolderIsNamed() {
    assertThatThrownBy(() -> new AdapterFolder(temp.resolve("missing")))
        .hasMessageContaining("missing")
        .hasMessageContaining("does not exist");
  }
}
