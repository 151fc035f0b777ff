package dev.banyan.server.quickstart;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleFile;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareReport;
import dev.banyan.graph.PrepareRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** Step 1: one bundle for each choice of layers. */
final class Preparation {
  private static final int MAX_LENGTH = 128;

  private final Screen screen;
  private final EmbeddedFiles files;
  private final Path dir;
  private final Map<Tenant.Targets, Bundle> bundles = new EnumMap<>(Tenant.Targets.class);
  private final List<Summary.Prepared> figures = new ArrayList<>();

  Preparation(Screen screen, EmbeddedFiles files, Path dir) {
    this.screen = screen;
    this.files = files;
    this.dir = dir;
  }

  void run() {
    for (Tenant.Targets targets : Tenant.Targets.values()) {
      PrepareReport report =
          GraphTools.prepare(
              new PrepareRequest(
                  files.model(),
                  files.tokenizer(),
                  Task.TEXT_CLASSIFICATION,
                  PrepareRequest.SiteChoice.of(targets.selector()),
                  Pooling.MEAN,
                  OptionalInt.of(MAX_LENGTH),
                  dir.resolve(targets.folder())));
      bundles.put(targets, report.bundle());
      Summary.Prepared shown = figures(targets, report);
      figures.add(shown);
      screen.line(
          "%-12s %2d sites  %,9d trainable (rank 8, 2 labels)  %,d frozen  %.0f MiB  %.1f s"
              .formatted(
                  shown.targets(),
                  shown.sites(),
                  shown.trainableParameters(),
                  shown.frozenParameters(),
                  shown.mib(),
                  shown.seconds()));
    }
  }

  private static Summary.Prepared figures(Tenant.Targets targets, PrepareReport report) {
    BundleManifest manifest = report.bundle().manifest();
    long bytes = manifest.files().values().stream().mapToLong(BundleFile::bytes).sum();
    return new Summary.Prepared(
        targets.selector(),
        manifest.adapter().sites().size(),
        report.trainableParameters(8, 2),
        manifest.base().frozenParameters(),
        bytes / 1048576.0,
        report.time().toMillis() / 1e3);
  }

  /** The bundle to train from, by choice of layers. */
  Map<Tenant.Targets, Bundle> bundles() {
    return bundles;
  }

  /** The bundle whose sites include those of all adapters. */
  Bundle servingBundle() {
    Bundle bundle = bundles.get(Tenant.Targets.ALL_LINEAR);
    if (bundle == null) {
      throw new IllegalStateException("Nothing was prepared yet");
    }
    return bundle;
  }

  List<Summary.Prepared> figures() {
    return figures;
  }
}
