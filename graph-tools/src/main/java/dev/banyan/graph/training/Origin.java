package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.BaseInfo;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.onnx.OnnxFile;
import java.nio.file.Path;

/**
 * Which base a model file is: itself, or, if it is the base in a bundle, that bundle's, so that
 * adapters of both bundles are of one base.
 *
 * @param digest adapters name it
 * @param name file name of the model that was given first
 */
record Origin(Digest digest, String name) {
  /**
   * Looks where a model lies.
   *
   * @throws dev.banyan.artifacts.integrity.ArtifactException if it is in a bundle that is damaged
   */
  static Origin of(OnnxFile source) {
    Path file = source.path().toAbsolutePath();
    Path folder = file.getParent();
    if (file.endsWith(Bundle.BASE_MODEL) && folder != null && Bundle.isBundle(folder)) {
      BaseInfo base = Bundle.openVerified(folder).manifest().base();
      return new Origin(base.digest(), base.name());
    }
    return new Origin(source.digest(), String.valueOf(file.getFileName()));
  }

  /** What a manifest says of it. */
  BaseInfo info(long frozenParameters, long hidden) {
    return new BaseInfo(digest, frozenParameters, Math.toIntExact(hidden), name);
  }
}
