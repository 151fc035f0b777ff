package dev.banyan.server;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The shape of the program, over the classes of all modules. */
class ArchitectureTest {
  private static final String PROTO = "dev.banyan.artifacts.onnx.proto..";

  private static JavaClasses all;

  @BeforeAll
  static void read() {
    all =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.banyan");
  }

  @Test
  void everyModuleIsSeen() {
    // A rule over no classes holds: these numbers only have to be of the right order.
    assertThat(all.size()).isGreaterThan(250);
    for (String module : List.of("artifacts", "runtime", "graph", "server")) {
      assertThat(all.stream().filter(resideInAPackage("dev.banyan." + module + "..")).count())
          .as(module)
          .isGreaterThan(25);
    }
  }

  @Test
  void modulesUseOnlyThoseBelowThem() {
    noClasses()
        .that()
        .resideInAPackage("dev.banyan.artifacts..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.banyan.runtime..", "dev.banyan.graph..", "dev.banyan.server..")
        .check(all);
    noClasses()
        .that()
        .resideInAPackage("dev.banyan.runtime..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.banyan.graph..", "dev.banyan.server..")
        .check(all);
    noClasses()
        .that()
        .resideInAPackage("dev.banyan.graph..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("dev.banyan.server..")
        .check(all);
  }

  /**
   * To ask ONNX Runtime, to load the tokenizer of a bundle, to ask the layers of its base, and to
   * fit an adapter as serving does.
   */
  @Test
  void graphToolsUseNoMoreOfTheRuntimeThanTheyNeed() {
    noClasses()
        .that()
        .resideInAPackage("dev.banyan.graph..")
        .should()
        .dependOnClassesThat(
            resideInAPackage("dev.banyan.runtime.*..")
                .and(
                    DescribedPredicate.not(
                        resideInAnyPackage(
                            "dev.banyan.runtime.ort..",
                            "dev.banyan.runtime.base..",
                            "dev.banyan.runtime.data..",
                            "dev.banyan.runtime.inference.."))))
        .check(all);
  }

  /**
   * Among the packages of each module. A module's root package stands outside: it holds the entry,
   * which uses the packages below, and the failures, which these throw.
   */
  @Test
  void packagesHaveNoCycles() {
    slices()
        .matching("dev.banyan.(*).(**)")
        .should()
        .beFreeOfCycles()
        .check(all.that(areBelowARoot()));
  }

  private static DescribedPredicate<JavaClass> areBelowARoot() {
    return resideInAPackage("dev.banyan.*.*..").and(outsideOf(PROTO));
  }

  @Test
  void onlyOnePackageTouchesOnnxRuntime() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.banyan.runtime.ort..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("ai.onnxruntime..")
        .check(all);
  }

  @Test
  void onlyReadersAndWritersKnowTheProtobufClasses() {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            "dev.banyan.artifacts..", "dev.banyan.graph.io..", "dev.banyan.runtime..")
        .and()
        // Its inputs are sequences of tensors, which the graph has no types for; it is written as
        // it is.
        .doNotHaveFullyQualifiedName("dev.banyan.graph.training.OptimizerGraph")
        .should()
        .dependOnClassesThat()
        .resideInAPackage(PROTO)
        .check(all);
  }

  @Test
  void onlyTheServersEdgeKnowsVertx() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "dev.banyan.server.adapter..",
            "dev.banyan.server.batch..",
            "dev.banyan.server.inference..",
            "dev.banyan.server.problem..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.vertx..")
        .check(all);
  }

  @Test
  void onlyCommandsPrint() {
    noClasses()
        .that()
        .resideOutsideOfPackages("..cli..", "dev.banyan.server.quickstart..")
        .and()
        .doNotBelongToAnyOf(Banyan.class)
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .check(all);
  }

  @Test
  void namesSayWhatAClassIs() {
    classes()
        .should()
        .haveNameNotMatching(".*(Util|Utils|Manager|Helper|Impl)")
        .andShould()
        .resideOutsideOfPackage("..impl..")
        .check(all.that(outsideOf(PROTO)));
  }

  @Test
  void everyPackageIsNullMarked() {
    List<String> unmarked = new ArrayList<>();
    for (JavaPackage part : all.getPackage("dev.banyan").getSubpackagesInTree()) {
      boolean ours = part.getClasses().stream().anyMatch(outsideOf(PROTO));
      if (ours && !part.isAnnotatedWith(NullMarked.class)) {
        unmarked.add(part.getName());
      }
    }
    assertThat(unmarked).isEmpty();
  }

  private static DescribedPredicate<JavaClass> outsideOf(String name) {
    // Generated by protoc.
    return DescribedPredicate.not(resideInAnyPackage(name));
  }
}
