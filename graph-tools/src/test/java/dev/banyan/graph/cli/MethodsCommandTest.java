package dev.banyan.graph.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class MethodsCommandTest {
  @TempDir Path folder;

  @Test
  void everyMethodIsListedWithItsUseAndItsPaper() {
    String text = run();
    for (MethodName method : MethodName.values()) {
      assertThat(text).contains(method.text(), method.use(), method.paper());
    }
  }

  @Test
  void parametersOfABundlesMethodsAreCounted() {
    SiteChoice none = SiteChoice.of("");
    GraphTools.prepare(
        new PrepareRequest(
                Fixtures.peftBase("bert"),
                Fixtures.peftBase("bert").resolveSibling("tokenizer.json"),
                Task.TEXT_CLASSIFICATION,
                SiteChoice.of("head-only"),
                Pooling.POOLER,
                OptionalInt.empty(),
                folder.resolve("bundle"))
            .withMethods(
                List.of(
                    MethodChoice.parse("lora:targets=query", none),
                    MethodChoice.parse("ia3:targets=key", none))));
    String json = run("--bundle=" + folder.resolve("bundle"), "--rank=4", "--json");
    // Two layers of 32 by 32.
    assertThat(json)
        .containsPattern("\"name\":\"lora\"[^}]*\"parameters\":" + 2 * (32 * 4 + 4 * 32))
        .containsPattern("\"name\":\"ia3\"[^}]*\"parameters\":" + 2 * 32)
        .containsPattern("\"name\":\"ia3\"[^}]*\"in_bundle\":true")
        // The others' on the same layers: DoRA has a magnitude for each output beside A and B.
        .containsPattern(
            "\"name\":\"dora\"[^}]*\"parameters\":%d,\"in_bundle\":false"
                .formatted(2 * (32 * 4 + 4 * 32 + 32)))
        .containsPattern("\"name\":\"prompt\"[^}]*\"parameters\":" + 20 * 32)
        .containsPattern("\"name\":\"full\"[^}]*\"parameters\":[1-9]");
  }

  private static String run(String... arguments) {
    StringWriter out = new StringWriter();
    CommandLine command = new CommandLine(new MethodsCommand()).setOut(new PrintWriter(out));
    assertThat(command.execute(arguments)).isZero();
    return out.toString();
  }
}
