package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.integrity.ArtifactException;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/**
 * A prepared base on disk. Opening reads the manifest and compares file sizes, which takes
 * milliseconds; {@link #verify} reads every byte.
 *
 * <p>A bundle is never changed in place: a new one takes its place as a whole.
 */
public final class Bundle {
  /** The description of the folder. */
  public static final String MANIFEST = "bundle.json";

  /** Forward and backward pass, in the layout of ONNX Runtime's training API. */
  public static final String TRAINING_MODEL = "training_model.onnx";

  /** Forward and backward pass with the gradients as outputs, for any session. */
  public static final String GRADIENT_MODEL = "gradient_model.onnx";

  /** Forward pass with loss. */
  public static final String EVAL_MODEL = "eval_model.onnx";

  /** What is below the lowest adapter; only where that is worth keeping from epoch to epoch. */
  public static final String PREFIX_MODEL = "prefix_model.onnx";

  /** {@link #GRADIENT_MODEL} above {@link #PREFIX_MODEL}. */
  public static final String SUFFIX_GRADIENT_MODEL = "suffix_gradient_model.onnx";

  /** {@link #EVAL_MODEL} above {@link #PREFIX_MODEL}. */
  public static final String SUFFIX_EVAL_MODEL = "suffix_eval_model.onnx";

  /** Several adapters' forward and backward passes at once; only with {@code --gang}. */
  public static final String GANG_GRADIENT_MODEL = "gang_gradient_model.onnx";

  /**
   * Token ids in, the base's embeddings of them out; only where soft prompts can start from them.
   */
  public static final String TOKEN_EMBEDDINGS = "token_embeddings.onnx";

  /** Gradient clipping and AdamW. */
  public static final String OPTIMIZER_MODEL = "optimizer_model.onnx";

  /**
   * A complete starting point of rank 8 with 2 labels, so that the four artifacts load as they are.
   */
  public static final String CHECKPOINT = "checkpoint";

  /** Many adapters over one base. */
  public static final String SERVING_MODEL = "serving_model.onnx";

  /**
   * The layers that can be adapted, each alone: for what depends on their weights before a run and
   * when an adapter is loaded. Only where there are such layers.
   */
  public static final String LAYERS_MODEL = "layers_model.onnx";

  /**
   * The base without adapters, for other methods and to merge adapters into: of an encoder what its
   * pooling needs, a decoder as it was given. Bundles of older versions have none.
   */
  public static final String BASE_MODEL = "base_model.onnx";

  /** The frozen weights: external data of every graph. */
  public static final String BASE_DATA = "base.onnx.data";

  /** The tokenizer in Hugging Face's format. */
  public static final String TOKENIZER = "tokenizer.json";

  /** How texts are written for a decoder; only in a bundle for {@link Task#CAUSAL_LM}. */
  public static final String PROMPT_FORMAT = "prompt_format.json";

  static final List<String> FILES =
      List.of(
          TRAINING_MODEL,
          GRADIENT_MODEL,
          EVAL_MODEL,
          OPTIMIZER_MODEL,
          CHECKPOINT,
          SERVING_MODEL,
          BASE_DATA,
          TOKENIZER);

  private final Path dir;
  private final BundleManifest manifest;

  private Bundle(Path dir, BundleManifest manifest) {
    this.dir = dir;
    this.manifest = manifest;
  }

  /**
   * Opens a folder.
   *
   * @throws UnusableArtifact if the folder is not a bundle
   * @throws CorruptArtifact if the manifest is damaged, or a file is missing or of another size
   * @throws ArtifactException if the manifest's version is another
   */
  public static Bundle open(Path dir) {
    Path manifestFile = dir.resolve(MANIFEST);
    try {
      byte[] json = Files.readAllBytes(manifestFile);
      Bundle bundle = new Bundle(dir, BundleManifest.parse(manifestFile.toString(), json));
      bundle.checkNames();
      for (var entry : bundle.manifest.files().entrySet()) {
        bundle.checkSize(entry.getKey(), entry.getValue());
      }
      return bundle;
    } catch (NoSuchFileException e) {
      throw new UnusableArtifact(
          dir.toString(), "no " + MANIFEST + " in it", "name a folder made by 'banyan prepare'");
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read the bundle " + dir, e);
    }
  }

  /**
   * Opens a folder and reads every byte of it, which takes a second for each few hundred megabytes.
   *
   * @throws ArtifactException as {@link #open} and {@link #verify} do
   */
  public static Bundle openVerified(Path dir) {
    Bundle bundle = open(dir);
    bundle.verify();
    return bundle;
  }

  /** True if the folder has a manifest, of whatever version and condition. */
  public static boolean isBundle(Path dir) {
    return Files.isRegularFile(dir.resolve(MANIFEST));
  }

  private void checkNames() {
    for (String name : FILES) {
      if (!manifest.files().containsKey(name)) {
        throw new CorruptArtifact(
            dir.resolve(MANIFEST).toString(), "no file '" + name + "'", "it in the list of files");
      }
    }
    for (String name : manifest.files().keySet()) {
      if (name.equals(".") || name.equals("..") || !name.matches("[A-Za-z0-9._-]+")) {
        throw new CorruptArtifact(
            dir.resolve(MANIFEST).toString(), "the file '" + name + "'", "a plain file name");
      }
    }
  }

  private void checkSize(String name, BundleFile expected) throws IOException {
    Path file = dir.resolve(name);
    if (!Files.isRegularFile(file)) {
      throw new CorruptArtifact(file.toString(), "no such file", "a file of the bundle");
    }
    if (Files.size(file) != expected.bytes()) {
      throw new CorruptArtifact(
          file.toString(), Files.size(file) + " bytes", expected.bytes() + " bytes");
    }
  }

  /**
   * Reads every file and compares its digest with the manifest's.
   *
   * @throws CorruptArtifact if one differs
   */
  public void verify() {
    for (var entry : manifest.files().entrySet()) {
      Path file = dir.resolve(entry.getKey());
      Digest seen = Digest.of(file);
      if (!seen.equals(entry.getValue().digest())) {
        throw new CorruptArtifact(
            file.toString(), "contents " + seen, "contents " + entry.getValue().digest());
      }
    }
  }

  /** The description. */
  public BundleManifest manifest() {
    return manifest;
  }

  /** The identity of the bundle: a digest of its manifest, which has those of all files. */
  public Digest digest() {
    return Digest.of(manifest.toJson());
  }

  /** The folder. */
  public Path dir() {
    return dir;
  }

  /** Whether the bundle has a file of this name, for those that not every bundle has. */
  public boolean has(String name) {
    return manifest.files().containsKey(name);
  }

  /**
   * A file of the bundle.
   *
   * @throws IllegalArgumentException if the bundle has no file of this name
   */
  public Path file(String name) {
    if (!manifest.files().containsKey(name)) {
      throw new IllegalArgumentException(
          "A bundle has no file '" + name + "', only " + manifest.files().keySet());
    }
    return dir.resolve(name);
  }
}
