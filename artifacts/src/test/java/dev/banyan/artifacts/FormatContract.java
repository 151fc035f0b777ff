package dev.banyan.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.fail;

import dev.banyan.artifacts.integrity.ArtifactException;
import dev.banyan.artifacts.integrity.ArtifactTooNew;
import dev.banyan.artifacts.integrity.ArtifactTooOld;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What every file format of this module promises: what was written is read, the same contents give
 * the same bytes, and whatever happens to the bytes, reading either gives the contents or one of
 * the declared failures, never anything else.
 *
 * <p>A format's test says how to write a sample, how to read one, and how much damage the format
 * can detect.
 */
public abstract class FormatContract {
  /** How much of the damage to a file its reader must report. */
  public enum Detects {
    /** Every changed bit: the format has a digest. */
    EVERY_FLIP,
    /** Every cut, and flips where they break the structure. */
    STRUCTURE
  }

  @TempDir protected Path folder;

  private Path sample;
  private byte[] intact;

  /** Writes a small file of this format, with something in every part, into the folder. */
  protected abstract Path writeSample() throws IOException;

  /** Reads a file to its last byte and renders everything in it. */
  protected abstract String read(Path file) throws IOException;

  /** Reads one file and writes its contents to the other. */
  protected abstract void copy(Path from, Path to) throws IOException;

  /** How much is detected. */
  protected abstract Detects detects();

  /** The sample with this version written into it; empty if the format has none. */
  protected abstract Optional<byte[]> withVersion(byte[] file, int version);

  /** The version that is written. */
  protected abstract int version();

  @BeforeEach
  void keepTheIntactBytes() throws IOException {
    sample = writeSample();
    intact = Files.readAllBytes(sample);
    assertThat(intact).hasSizeBetween(64, 8_000);
  }

  @Test
  void whatIsReadAndWrittenAgainIsTheSameToTheBit() throws IOException {
    Path again = folder.resolve("again");
    copy(sample, again);
    assertThat(Files.readAllBytes(again)).isEqualTo(intact);
  }

  @Test
  void aCutAtAnyByteIsReported() throws IOException {
    String contents = read(sample);
    for (int length = 0; length < intact.length; length++) {
      Optional<String> seen = readDamaged(Arrays.copyOf(intact, length), "cut at " + length);
      // A last byte may be mere padding; then nothing was lost.
      if (seen.isPresent()) {
        assertThat(seen).as("cut at %d of %d", length, intact.length).contains(contents);
        assertThat(length).isGreaterThan(intact.length - 8);
      }
    }
  }

  @Test
  void aFlippedBitIsReportedOrHarmlessToTheReader() throws IOException {
    int reported = 0;
    for (int bit = 0; bit < intact.length * 8; bit++) {
      byte[] damaged = intact.clone();
      damaged[bit / 8] ^= (byte) (1 << (bit % 8));
      Optional<String> seen = readDamaged(damaged, "bit " + bit);
      reported += seen.isEmpty() ? 1 : 0;
      if (detects() == Detects.EVERY_FLIP) {
        assertThat(seen).as("bit %d of byte %d", bit % 8, bit / 8).isEmpty();
      }
    }
    assertThat(reported).isPositive();
  }

  @Test
  void randomDamageNeverEscapesTheDeclaredFailures() throws IOException {
    long seed = 7;
    Random random = new Random(seed);
    for (int round = 0; round < 2_000; round++) {
      byte[] damaged = intact.clone();
      for (int change = random.nextInt(1, 16); change > 0; change--) {
        // All ones and sign bits are what makes lengths and offsets giant or negative.
        int at = random.nextInt(damaged.length);
        damaged[at] = random.nextBoolean() ? (byte) 0xff : (byte) random.nextInt();
      }
      readDamaged(damaged, "seed %d round %d".formatted(seed, round));
    }
  }

  @Test
  void anotherKindOfFileIsRefused() throws IOException {
    for (String other :
        new String[] {"", "PK\3\4", "{}", "not of this format at all: ".repeat(9)}) {
      assertThat(readDamaged(other.getBytes(java.nio.charset.StandardCharsets.UTF_8), other))
          .as("'%s'", other)
          .isEmpty();
    }
  }

  @Test
  void aMissingFileIsNamed() {
    Path missing = folder.resolve("missing").resolve(String.valueOf(sample.getFileName()));
    assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(() -> read(missing))
        .withMessageContaining("missing");
  }

  @Test
  void tooOldTooNewAndCorruptAreThreeFailures() throws IOException {
    Optional<byte[]> old = withVersion(intact, version() - 1);
    if (old.isPresent()) {
      Files.write(sample, old.get());
      assertThatExceptionOfType(ArtifactTooOld.class)
          .isThrownBy(() -> read(sample))
          .withMessageContainingAll(sample.toString(), "" + (version() - 1), "" + version());
      Files.write(sample, withVersion(intact, newestVersion() + 1).orElseThrow());
      assertThatExceptionOfType(ArtifactTooNew.class)
          .isThrownBy(() -> read(sample))
          .withMessageContainingAll(sample.toString(), "" + (newestVersion() + 1));
    }
    Files.write(sample, Arrays.copyOf(intact, intact.length / 2));
    assertThatExceptionOfType(CorruptArtifact.class)
        .isThrownBy(() -> read(sample))
        .withMessageContainingAll(sample.toString(), "expected");
  }

  /** The newest version that is read. */
  protected int newestVersion() {
    return version();
  }

  /** A tensor in words, all of its bytes included. */
  protected static String describe(Tensor tensor) {
    byte[] bytes = tensor.data().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    return "%s %s%s %s"
        .formatted(tensor.name(), tensor.type(), tensor.shape(), Arrays.toString(bytes));
  }

  /** In place: file systems flush a file that was emptied and filled, which takes milliseconds. */
  private void overwrite(byte[] bytes) throws IOException {
    try (FileChannel channel = FileChannel.open(sample, StandardOpenOption.WRITE)) {
      channel.truncate(bytes.length);
      channel.write(ByteBuffer.wrap(bytes), 0);
    }
  }

  /** The contents, or empty if a declared failure was reported; anything else fails the test. */
  private Optional<String> readDamaged(byte[] bytes, String how) throws IOException {
    overwrite(bytes);
    try {
      return Optional.of(read(sample));
    } catch (ArtifactException e) {
      assertThat(e).hasMessageContaining(String.valueOf(sample.getFileName()));
      return Optional.empty();
    } catch (RuntimeException | OutOfMemoryError | StackOverflowError e) {
      return fail("%s: %s is not a declared failure".formatted(how, e), e);
    }
  }
}
