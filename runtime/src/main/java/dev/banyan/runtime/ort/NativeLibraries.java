package dev.banyan.runtime.ort;

import dev.banyan.runtime.ort.OrtFailure.NoNativeLibrary;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import org.jspecify.annotations.Nullable;

/**
 * The native libraries for one platform, as they lie in the jars, and the folder they are unpacked
 * to: ORT's official JNI library over the build of the same version that can train.
 *
 * <p>The folder's name is a digest over name, size and CRC-32 of every library, which a jar's
 * directory tells without reading the libraries: so a start costs a few file look-ups, and two
 * versions never share a folder. Unpacking checks the CRC-32 and ends with one rename.
 */
final class NativeLibraries {
  private static final String TRAINING_BUILD = "org/bytedeco/onnxruntime/";
  private static final String OFFICIAL_BUILD = "ai/onnxruntime/native/";

  /** A resource and the name ORT's classes look for. */
  private record Library(URL resource, String fileName, long size, long crc) {}

  private final List<Library> libraries;

  private NativeLibraries(List<Library> libraries) {
    this.libraries = libraries;
  }

  /**
   * Finds the libraries for the machine this runs on.
   *
   * @throws NoNativeLibrary if there are none
   */
  static NativeLibraries ofThisMachine() {
    return of(System.getProperty("os.name"), System.getProperty("os.arch"));
  }

  /** Finds the libraries for a machine of this {@code os.name} and {@code os.arch}. */
  static NativeLibraries of(String osName, String osArch) {
    String os = osName.toLowerCase(Locale.ROOT);
    boolean arm = osArch.equals("aarch64");
    if (os.startsWith("linux") && (arm || osArch.equals("amd64"))) {
      return find(
          arm ? "linux-arm64" : "linux-x86_64",
          OFFICIAL_BUILD + (arm ? "linux-aarch64/" : "linux-x64/") + "libonnxruntime4j_jni.so",
          List.of("libonnxruntime.so.1", "libonnxruntime.so"),
          List.of("libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"));
    }
    if (os.startsWith("mac") && arm) {
      return find(
          "macosx-arm64",
          OFFICIAL_BUILD + "osx-aarch64/libonnxruntime4j_jni.dylib",
          List.of("libonnxruntime.1.dylib", "libonnxruntime.dylib"),
          List.of("libonnxruntime_providers_shared.dylib"));
    }
    if (os.startsWith("windows") && osArch.equals("amd64")) {
      return find(
          "windows-x86_64",
          OFFICIAL_BUILD + "win-x64/onnxruntime4j_jni.dll",
          List.of("onnxruntime.dll", "onnxruntime.dll"),
          List.of("onnxruntime_providers_shared.dll", "onnxruntime_providers_cuda.dll"));
    }
    throw new NoNativeLibrary(
        "There is no ONNX Runtime with training for %s %s; supported are Linux x86_64 and arm64, macOS arm64 and Windows x86_64"
            .formatted(osName, osArch),
        null);
  }

  /**
   * @param core name in the jar and name to unpack it under
   * @param providers libraries that only some builds have
   */
  private static NativeLibraries find(
      String platform, String jni, List<String> core, List<String> providers) {
    for (String folder :
        List.of(TRAINING_BUILD + platform + "-gpu/", TRAINING_BUILD + platform + "/")) {
      URL library = resource(folder + core.get(0));
      if (library == null) {
        continue;
      }
      List<Library> found = new ArrayList<>();
      found.add(describe(library, core.get(1)));
      found.add(describe(required(jni, platform), jni.substring(jni.lastIndexOf('/') + 1)));
      for (String provider : providers) {
        URL optional = resource(folder + provider);
        if (optional != null) {
          found.add(describe(optional, provider));
        }
      }
      return new NativeLibraries(List.copyOf(found));
    }
    throw missing(platform, TRAINING_BUILD + platform + "/" + core.get(0));
  }

  private static URL required(String name, String platform) {
    URL url = resource(name);
    if (url == null) {
      throw missing(platform, name);
    }
    return url;
  }

  private static NoNativeLibrary missing(String platform, String resource) {
    return new NoNativeLibrary(
        "The ONNX Runtime for %s is not on the class path (%s); build Banyan on this machine"
            .formatted(platform, resource),
        null);
  }

  private static @Nullable URL resource(String name) {
    return NativeLibraries.class.getClassLoader().getResource(name);
  }

  private static Library describe(URL resource, String fileName) {
    try {
      URLConnection connection = resource.openConnection();
      if (connection instanceof JarURLConnection jar) {
        ZipEntry entry = jar.getJarEntry();
        return new Library(resource, fileName, entry.getSize(), entry.getCrc());
      }
      CRC32 crc = new CRC32();
      try (InputStream in = new CheckedInputStream(connection.getInputStream(), crc)) {
        long size = in.transferTo(OutputStream.nullOutputStream());
        return new Library(resource, fileName, size, crc.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The folder under which this user's unpacked libraries lie, by the platform's convention. */
  static Path userCache() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    Path home = Path.of(System.getProperty("user.home"));
    if (os.startsWith("mac")) {
      return home.resolve("Library/Caches/banyan");
    }
    String chosen = System.getenv(os.startsWith("windows") ? "LOCALAPPDATA" : "XDG_CACHE_HOME");
    return (chosen == null || chosen.isBlank() ? home.resolve(".cache") : Path.of(chosen))
        .resolve("banyan");
  }

  /**
   * The folder with the unpacked libraries, which is filled first if it is not there.
   *
   * @throws NoNativeLibrary if it cannot be written
   */
  Path unpack(Path cache) {
    Path folder = cache.resolve("onnxruntime-" + key());
    if (isComplete(folder)) {
      return folder;
    }
    try {
      Files.createDirectories(cache);
      Path work = Files.createTempDirectory(cache, "unpack-");
      try {
        for (Library library : libraries) {
          copy(library, work.resolve(library.fileName()));
        }
        publish(work, folder);
      } finally {
        delete(work);
      }
      return folder;
    } catch (IOException e) {
      throw new NoNativeLibrary(
          "ONNX Runtime cannot be unpacked to %s: %s; make room or set XDG_CACHE_HOME to a writable folder"
              .formatted(folder, e),
          e);
    }
  }

  private String key() {
    StringBuilder text = new StringBuilder();
    for (Library library : libraries) {
      text.append("%s %d %08x%n".formatted(library.fileName(), library.size(), library.crc()));
    }
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(text.toString().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }

  private boolean isComplete(Path folder) {
    return libraries.stream()
        .allMatch(
            library -> folder.resolve(library.fileName()).toFile().length() == library.size());
  }

  private static void copy(Library library, Path target) throws IOException {
    CRC32 crc = new CRC32();
    try (InputStream in = new CheckedInputStream(library.resource().openStream(), crc)) {
      Files.copy(in, target);
    }
    if (crc.getValue() != library.crc()) {
      throw new IOException(library.resource() + " is damaged: its CRC-32 does not fit");
    }
    try (FileChannel channel = FileChannel.open(target, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }

  /** Another process may be publishing the same folder: its libraries are as good as ours. */
  private void publish(Path work, Path folder) throws IOException {
    try {
      if (Files.exists(folder)) {
        // Left incomplete by a full disk or a tidy user; nobody can have it loaded.
        delete(folder);
      }
      Files.move(work, folder, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw e;
    } catch (FileSystemException e) {
      if (!isComplete(folder)) {
        throw e;
      }
    }
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
